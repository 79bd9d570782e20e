package policytest

import (
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sipedge/schema"
	"sipedge/sip/transport"
)

// Witness is a request that a rule runs for.
type Witness struct {
	Rule string
	Flow transport.Flow
	Text []byte // as on the wire
}

// Generate writes a test file for a policy: each witness as a case, expecting
// what comes of it today.
func Generate(w io.Writer, path string, doc *schema.Document, witnesses []Witness) error {
	p := writer{w: w}
	p.line("# What the policy does today: read it, and put names and more cases.")
	p.line("policy: %s", yamlText(filepath.Base(path)))
	p.line("tests:")
	used := map[string]int{}
	for i := range witnesses {
		x := &witnesses[i]
		world, _, err := newWorld(doc, newHosts(), time.Time{})
		if err != nil || world == nil {
			return err
		}
		s := &Scene{beyond: answers}
		world.play(s, x.Flow, &Message{Raw: x.Text}, false)
		name := x.Rule
		if used[x.Rule]++; used[x.Rule] > 1 {
			name += " " + strconv.Itoa(used[x.Rule])
		}
		p.line("  - name: %s", yamlText(name))
		p.line("    given:")
		p.line("      source: %q", x.Flow.Remote.String()+"/"+x.Flow.Transport.String())
		p.line("      raw: |")
		p.text(strings.TrimRight(plain(string(x.Text)), "\n")+"\n", "        ")
		reply := "none"
		if last := s.lastReply(); last != nil {
			reply = strconv.Itoa(last.Status())
		}
		var path []string
		for _, item := range Path(&s.Trace) {
			path = append(path, yamlText(item.String()))
		}
		p.line("    expect: {path: [%s], reply: %s}", strings.Join(path, ", "), reply)
	}
	return p.err
}
