package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/exit"
	hello "sipedge/examples/01-hello"
	"sipedge/router"
	"sipedge/schema"
)

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(System{
		Args: args, Stdout: &out, Stderr: &errs,
		Env: func(string) (string, bool) { return "", false },
	})
	return code, out.String(), errs.String()
}

// Every command has a text, an example, and says on a wrong argument where to look.
func TestHelp(t *testing.T) {
	count := 0
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if !sub.Hidden {
				count++
				helps(t, sub)
				walk(sub)
			}
		}
	}
	walk(newRoot(System{}))
	if count < 30 {
		t.Errorf("%d commands", count)
	}
}

func helps(t *testing.T, c *cobra.Command) {
	t.Helper()
	path := c.CommandPath()
	if c.Short == "" || c.Long == "" || !strings.Contains(c.Example, path) {
		t.Errorf("%s: no text, or no example of itself", path)
	}
	for l := range strings.Lines(c.Long) {
		if len([]rune(l)) > 90 {
			t.Errorf("%s: a line of %d columns: %s", path, len(l), l)
		}
	}
	words := strings.Fields(path)[1:]
	code, out, _ := run(t, append(slices.Clone(words), "--help")...)
	if code != exit.Fine || !strings.Contains(out, "Usage:") {
		t.Errorf("%s --help: exit code %d", path, code)
	}
	code, _, errs := run(t, append(slices.Clone(words), "--nonsense")...)
	if code != exit.Usage || !strings.Contains(errs, "See '"+path+" --help'.") {
		t.Errorf("%s --nonsense: exit code %d, %q", path, code, errs)
	}
}

// A panic is a bug: 70, with what to report.
func TestBug(t *testing.T) {
	code := func() int {
		var errs bytes.Buffer
		defer func() {
			if !strings.Contains(errs.String(), "sipedge: a bug: ") ||
				!strings.Contains(errs.String(), "goroutine ") {
				t.Errorf("standard error is %q", errs.String())
			}
		}()
		return Main(System{Args: []string{"version"}, Stdout: panics{}, Stderr: &errs, Env: noEnv})
	}()
	if code != exit.Bug {
		t.Errorf("exit code %d, want %d", code, exit.Bug)
	}
}

func noEnv(string) (string, bool) { return "", false }

type panics struct{}

func (panics) Write([]byte) (int, error) { panic("on purpose") }

// Standard output that can't be written is no success.
func TestOutputFails(t *testing.T) {
	var errs bytes.Buffer
	code := Main(System{Args: []string{"version"}, Stdout: full{}, Stderr: &errs, Env: noEnv})
	if code != exit.Unreachable || !strings.Contains(errs.String(), "no room") {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no room") }

// What serve runs without a PATH is 01-hello, and valid.
func TestBuiltIn(t *testing.T) {
	words := System{vocabulary: router.Vocabulary}
	doc, src, diags, err := load(words, "")()
	if err != nil || doc == nil || len(diags) > 0 {
		t.Fatalf("error %v\n%s", err, diags.Text(src))
	}
	if _, diags := router.Compile(doc, router.Env{}); len(diags) > 0 {
		t.Error(diags.Text(src))
	}
	if n := bytes.Count(hello.Policy, []byte("\n")); n >= 20 {
		t.Errorf("01-hello has %d lines, want fewer than 20", n)
	}
	if _, _, _, err := load(words, "/nonexistent.yaml")(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v of a file that is not there", err)
	}
}

func TestPaint(t *testing.T) {
	text := schema.Diagnostics{
		{Pos: schema.Pos{File: "a.yaml", Line: 1, Col: 2}, Code: schema.UnknownMethod, Message: "no"},
		{Severity: schema.Warning, Pos: schema.Pos{File: "b.yaml", Line: 3, Col: 4},
			Code: schema.UnusedRoute, Message: "so so"},
	}.Text(nil)
	got := heading.ReplaceAllStringFunc(text, paint)
	want := "a.yaml:1:2: \x1b[31merror SE1004\x1b[0m\x1b[1m: no\x1b[0m\n" +
		"b.yaml:3:4: \x1b[33mwarning SE3003\x1b[0m\x1b[1m: so so\x1b[0m\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"one two three", "one two\nthree"},
		{"one\n\ntwo three four", "one\n\ntwo three\nfour"},
		{"incomprehensible", "incomprehensible"},
	} {
		if got := wrap(c.text, 9); got != c.want {
			t.Errorf("wrap(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}
