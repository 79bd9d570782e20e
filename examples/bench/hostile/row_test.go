package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sipedge/examples/bench/attack"
	"sipedge/sip"
)

// began is when the first window of a test begins.
var began = time.Unix(1000, 0)

// measured is a row of turns in each of which ten calls take a time without and ten with.
func measured(t *testing.T, took ...[2]time.Duration) *row {
	t.Helper()
	r := &row{attack: attack.All[0], transport: sip.TCP}
	var text strings.Builder
	at := began
	for _, both := range took {
		var pair turn
		for i, w := range []*window{&pair.without, &pair.with} {
			w.from, w.to = at, at.Add(10*time.Second)
			for range 10 {
				fmt.Fprintln(&text, at.UnixNano(), int64(both[i]))
				at = at.Add(time.Second)
			}
			// What is between windows is in none of them.
			fmt.Fprintln(&text, at.UnixNano(), int64(time.Hour))
			at = at.Add(time.Second)
		}
		r.turns = append(r.turns, pair)
	}
	file := filepath.Join(t.TempDir(), "samples")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.take(file); err != nil {
		t.Fatal(err)
	}
	return r
}

// One turn in which the machine stood still does not decide.
func TestRatio(t *testing.T) {
	const ms = time.Millisecond
	r := measured(t, [2]time.Duration{2 * ms, 2 * ms}, [2]time.Duration{4 * ms, 6 * ms},
		[2]time.Duration{2 * ms, 40 * ms})
	if got := quantile(r.turns, without, 0.99); got != 4*ms {
		t.Errorf("p99 without: %v, want 4ms", got)
	}
	if got := pooled(r.turns); got != 10 {
		t.Errorf("of all calls: %v, want 10", got)
	}
	if got := r.ratio(); got != 1.5 {
		t.Errorf("of the turn in the middle: %v, want 1.5", got)
	}
	if least, most := r.spread(); least != 1 || most != 20 {
		t.Errorf("%v to %v, want 1 to 20", least, most)
	}
	if err := (&row{turns: []turn{{}}}).take(os.DevNull); err == nil {
		t.Error("windows without a call are taken for measured")
	}
}

// What did not happen must not pass for what did no harm.
func TestWrong(t *testing.T) {
	const us = time.Microsecond
	p := plan{rate: 100, window: 4 * time.Second, goal: 1.2}
	whole := attack.Done{Begun: 1260}
	fewer := attack.Done{Begun: 1259, Failed: 141}
	for _, c := range []struct {
		name    string
		with    time.Duration // without it is 100 µs
		calls   calls
		done    attack.Done
		counted float64
		want    string
	}{
		{"as it has to be", 120 * us, calls{50, 50}, whole, 360, ""},
		{"slower", 121 * us, calls{50, 50}, whole, 360, "p99 is 1.21 of that without"},
		{"a call failed", 100 * us, calls{50, 49}, whole, 360, "1 of 50 calls"},
		{"too few", 100 * us, calls{50, 50}, fewer, 360, "1259 begun, 141 failed"},
		{"not counted", 100 * us, calls{50, 50}, whole, 359, "grew by 359"},
	} {
		r := measured(t, [2]time.Duration{100 * us, c.with})
		r.attack, r.calls, r.done, r.counted = attack.All[1], c.calls, c.done, c.counted
		got := strings.Join(r.wrong(&p), "; ")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// No attack is what another one is, and each can be chosen.
func TestChoose(t *testing.T) {
	for _, a := range attack.All {
		got, err := choose(a.Name)
		if err != nil || len(got) != 1 || got[0] != a {
			t.Errorf("%s: %v, %v", a.Name, got, err)
		}
	}
	if all, err := choose(""); err != nil || len(all) != len(attack.All) {
		t.Errorf("all: %d, %v", len(all), err)
	}
	if _, err := choose("kindness"); err == nil {
		t.Error("what there is not was chosen")
	}
}
