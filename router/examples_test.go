package router

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sipedge/router/action"
)

// TestExamples runs the example of every action.
func TestExamples(t *testing.T) {
	for _, k := range action.Kinds() {
		if k.Examples != "" {
			t.Run(k.Name, func(t *testing.T) { runExample(t, k.Examples) })
		}
	}
}

func runExample(t *testing.T, text string) {
	ar := txtar.Parse([]byte(text))
	if len(ar.Files) != 2 || ar.Files[0].Name != "in" || ar.Files[1].Name != "out" {
		t.Fatal("want a policy, in and out")
	}
	in := strings.Split(strings.TrimSpace(string(ar.Files[0].Data)), "\n")
	r, w := onWire(t, examplePolicy(string(ar.Comment)))
	var got []string
	for _, m := range w.ask(r, in[0], append(in[1:], "To: <sip:alice@example.net>")...) {
		got = append(got, exampleOut(m))
	}
	want := strings.TrimSpace(string(ar.Files[1].Data))
	if g := strings.Join(got, "\n\n"); g != want {
		t.Errorf("want\n%s\n\ngot\n%s", want, g)
	}
}

// examplePolicy makes a policy of routes, or of steps, which are one rule before a forward.
func examplePolicy(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	tables := ""
	for above.MatchString(lines[0]) {
		tables, lines = tables+lines[0]+"\n", lines[1:]
	}
	if strings.HasPrefix(lines[0], "- ") {
		lines = append([]string{"request:", "  - do:"}, indent(lines, "    ")...)
		lines = append(lines, `  - do: [{forward: {to: "sip:192.0.2.9"}}]`)
	}
	return "version: 1\nlisten: [{udp: \"10.0.0.9:5060\"}, {udp: \"192.0.2.2:5060\"}]\n" +
		tables + "routes:\n" +
		strings.Join(indent(lines, "  "), "\n") + "\n"
}

func indent(lines []string, by string) []string {
	out := slices.Clone(lines)
	for i := range out {
		out[i] = by + out[i]
	}
	return out
}

// above is a line of a policy above its routes.
var above = regexp.MustCompile(`^(tables|vars|users|gateways): `)

// keyed is what differs from server to server, and so is a nonce.
var (
	keyed  = regexp.MustCompile(`;t=[0-9a-f]+`)
	tokens = regexp.MustCompile(`(;flow=[0-9a-f.]+\.)[0-9a-f]{16}\b`)
	nonces = regexp.MustCompile(`nonce="[^"]+"`)
)

// exampleOut is a message without the header fields that every one has.
func exampleOut(m string) string {
	m = tokens.ReplaceAllString(keyed.ReplaceAllString(m, ";t=TAG"), "${1}CHECK")
	m = nonces.ReplaceAllString(m, `nonce="NONCE"`)
	lines := strings.Split(strings.TrimSuffix(m, "\r\n\r\n"), "\r\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool {
		name, _, ok := strings.Cut(l, ":")
		return ok && slices.Contains([]string{
			"Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Max-Breadth",
			"Content-Length",
		}, name)
	}), "\n")
}
