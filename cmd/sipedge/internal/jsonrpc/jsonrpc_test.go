package jsonrpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what comes into testdata")

// answering is a caller whose methods are those of the specification's examples.
func answering(_ context.Context, method string, p Params) (any, error) {
	switch method {
	case "echo":
		return map[string]any{"list": p.list, "named": p.named}, nil
	case "subtract":
		v, err := p.Bind([]string{"minuend", "subtrahend"})
		if err != nil {
			return nil, err
		}
		var a, b int
		if json.Unmarshal(v["minuend"], &a) != nil || json.Unmarshal(v["subtrahend"], &b) != nil {
			return nil, Refuse(InvalidParams, "minuend and subtrahend are numbers")
		}
		return a - b, nil
	case "null":
		return nil, nil
	case "<lost>":
		return nil, errors.New("<the database>")
	case "not there":
		return nil, &Error{Code: 404, Message: "AOR not found", Data: "alice"}
	}
	return nil, Refuse(MethodNotFound, "%q is no method", method)
}

// Each line of testdata/calls is a body, and the next, which begins with =, its answer: those of
// the specification's section 7 first.
func TestAnswer(t *testing.T) {
	const file = "testdata/calls"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cases := 0
	for _, line := range strings.Split(strings.TrimRight(string(b), "\n"), "\n") {
		if strings.HasPrefix(line, "=") {
			continue
		}
		out.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cases++
		fmt.Fprintf(&out, "= %s\n", Answer(t.Context(), []byte(line), answering))
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(b); out.String() != want && !*update {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if cases < 30 {
		t.Errorf("%d cases", cases)
	}
}

// A body may have so many requests and be so deep, and no more.
func TestBounds(t *testing.T) {
	count := 0
	call := func(context.Context, string, Params) (any, error) { count++; return nil, nil }
	many := func(n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(`{"jsonrpc":"2.0","method":"m"},`, n), ",") + "]"
	}
	deep := func(n int) string {
		return `{"jsonrpc":"2.0","method":"m","params":` + strings.Repeat("[", n-1) +
			`"]\"}{"` + strings.Repeat("]", n-1) + "}"
	}
	for _, c := range []struct {
		name, body string
		calls      int
		refused    bool
	}{
		{"a full batch", many(maxBatch), maxBatch, false},
		{"one more", many(maxBatch + 1), 0, true},
		{"as deep as may be", deep(maxDepth), 1, false},
		{"deeper", deep(maxDepth + 1), 0, true},
		{"deep beyond any stack", deep(1_000_000), 0, true},
	} {
		count = 0
		got := Answer(t.Context(), []byte(c.body), call)
		if count != c.calls || (got != nil) != c.refused {
			t.Errorf("%s: %d calls, answer %s", c.name, count, got)
		}
	}
}

// Of any body the answer is nothing, or responses that each have a result or an error, and never
// more of them than requests.
func FuzzAnswer(f *testing.F) {
	b, err := os.ReadFile("testdata/calls")
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range bytes.Split(b, []byte("\n")) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		calls := 0
		got := Answer(t.Context(), body, func(ctx context.Context, m string, p Params) (any, error) {
			calls++
			return answering(ctx, m, p)
		})
		if got == nil {
			if calls == 0 {
				t.Fatal("neither a call nor an answer")
			}
			return
		}
		var list []Response
		if got[0] != '[' {
			list = make([]Response, 1)
			if err := json.Unmarshal(got, &list[0]); err != nil {
				t.Fatalf("%v in %s", err, got)
			}
		} else if err := json.Unmarshal(got, &list); err != nil || len(list) == 0 {
			t.Fatalf("%v in %s", err, got)
		}
		if len(list) > maxBatch {
			t.Fatalf("%d answers", len(list))
		}
		for _, r := range list {
			if r.Version != Version || !isID(r.ID) || (len(r.Result) == 0) == (r.Error == nil) {
				t.Fatalf("%s", got)
			}
		}
	})
}
