package replay

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// report is what is written of a replay.
func report(t *testing.T, all bool, list ...*Difference) (text, data string) {
	t.Helper()
	r := Report{All: all, Counts: &Counts{Requests: len(list), Differ: len(list)}}
	for _, d := range list {
		if err := r.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	var a, b bytes.Buffer
	if err := r.WriteText(&a); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	return a.String(), b.String()
}

func difference(n string, before, after *Fate) *Difference {
	return &Difference{File: n, Request: "R", Source: "S", Old: before, New: after}
}

// What the same rules decide the same way is told once, unless all is wanted.
func TestReportGroups(t *testing.T) {
	list := []*Difference{
		difference("a", &Fate{Path: []string{"x", "y"}}, &Fate{Refused: "no listener"}),
		difference("b", &Fate{Path: []string{"x y"}}, &Fate{Refused: "no listener"}),
		difference("c", &Fate{Path: []string{"x", "y"}}, &Fate{Refused: "no listener"}),
		difference("d", &Fate{Path: []string{"x", "y"}}, &Fate{Panicked: true}),
	}
	for all, want := range map[bool]string{
		false: "a2 b1 d1", true: "a1 b1 c1 d1",
	} {
		text, data := report(t, all, list...)
		var out struct {
			Differences []struct {
				File  string
				Count int
			}
		}
		if err := json.Unmarshal([]byte(data), &out); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range out.Differences {
			got = append(got, d.File+string(rune('0'+d.Count)))
		}
		if d := cmp.Diff(want, strings.Join(got, " ")); d != "" {
			t.Errorf("all %t: -want +got\n%s", all, d)
		}
		for _, part := range []string{
			"a:  0: R from S\n   old  x › y: silence\n   new  not received: no listener\n",
			"new  a panic: a bug in sipedge\n",
		} {
			if !strings.Contains(text, part) {
				t.Errorf("all %t: no %q in\n%s", all, part, text)
			}
		}
	}
}

// Where messages go the same way, the lines in which they differ are told.
func TestReportLines(t *testing.T) {
	for name, c := range map[string]struct{ was, is, want string }{
		"other": {"R\r\nA: 1\r\nB: 2\r\n\r\n", "R\r\nB: 3\r\nA: 1\r\n\r\n", "- B: 2|+ B: 3"},
		"more":  {"R\r\nA: 1\r\n\r\n", "R\r\nA: 1\r\nA: 1\r\n\r\n", "+ A: 1"},
		"order": {"R\r\nA: 1\r\nB: 2\r\n\r\n", "R\r\nB: 2\r\nA: 1\r\n\r\n",
			"the same lines in another order"},
	} {
		d := difference("f", &Fate{settled: []string{c.was}}, &Fate{settled: []string{c.is}})
		if got := strings.Join(d.unlike(), "|"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
