package policytest

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sipedge/router/job"
	"sipedge/router/scene"
	"sipedge/schema"
	"sipedge/sip/transport"
)

// Witness is a request that a rule runs for.
type Witness struct {
	Rule string
	Flow transport.Flow
	Text []byte // as on the wire
}

// Generate writes a test file for a policy: cases that expect what comes of them
// today.
//
//  1. Each witness, whose branches answer 200.
//  2. What the router does by itself.
//  3. Witnesses whose branches answer otherwise, and malformed requests, as far
//     as they reach rules or arms that no case before reached.
func Generate(w io.Writer, path string, doc *schema.Document, witnesses []Witness) error {
	g := &generator{
		writer: writer{w: w}, used: map[string]bool{},
		file: &File{Policy: path, doc: doc, outside: scene.Outside{Hosts: scene.NewHosts()}},
	}
	g.reached = newCounts(g.file)
	g.line("# What the policy does today: read it, and put names and more cases.")
	g.line("policy: %s", yamlText(filepath.Base(path)))
	g.line("tests:")
	var sends []Case
	for i := range witnesses {
		c := g.request(&witnesses[i])
		if s := g.add(c, nil, true); s != nil && s.Sent != nil {
			sends = append(sends, c)
		}
	}
	if len(doc.Routes.Startup) > 0 {
		g.add(Case{Name: "startup", Run: Run{Startup: true}}, []string{"run: startup"}, true)
	}
	for _, t := range doc.Routes.Timer {
		g.add(Case{Name: "timer " + t.Name, Run: Run{Timer: t.Name, For: t.Every}},
			[]string{"run: {timer: " + t.Name + "}"}, true)
	}
	g.refused(sends)
	if len(doc.Routes.Error) > 0 {
		g.malformed()
	}
	return errors.Join(g.failed, g.err)
}

type generator struct {
	writer
	file    *File
	reached *counts
	used    map[string]bool // names of cases
	failed  error           // why the policy cannot be run
}

// request is the case of a witness.
func (g *generator) request(x *Witness) Case {
	c := Case{Name: x.Rule, Message: scene.Message{Raw: x.Text}}
	c.Origin.Source = x.Flow.Remote.String() + "/" + x.Flow.Transport.String()
	all := scene.Listeners(g.file.doc)
	if f, err := c.Origin.Flow(all); (err != nil || f.Listener != x.Flow.Listener) &&
		int(x.Flow.Listener) < len(all) {
		l := all[x.Flow.Listener]
		c.Origin.Listener = l.Transport.String() + ":" + l.Addr.String()
	}
	return c
}

// add writes a case with what comes of it, and more that is written of it, unless
// it reaches nothing new and is not to be written anyway. nil: it was not.
func (g *generator) add(c Case, more []string, anyway bool) *scene.Scene {
	if g.failed != nil {
		return nil
	}
	c.expect, c.tables = &schema.Value{}, &schema.Value{}
	r := g.file.run(&c)
	if r.Error != "" {
		g.failed = errors.New(r.Error)
		return nil
	}
	if !g.reached.more(&r.Scene.Trace) && !anyway {
		return nil
	}
	for name, n := c.Name, 2; g.used[c.Name]; n++ {
		c.Name = name + " " + strconv.Itoa(n)
	}
	g.used[c.Name] = true
	g.line("  - name: %s", yamlText(c.Name))
	if raw := c.Message.Raw; raw != nil {
		g.line("    given:")
		if c.Origin.Source != "" {
			g.line("      source: %q", c.Origin.Source)
		}
		if c.Origin.Listener != "" {
			g.line("      listener: %q", c.Origin.Listener)
		}
		g.line("      raw: |")
		g.text(strings.TrimRight(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n")+"\n", "        ")
	}
	for _, line := range more {
		g.line("    %s", line)
	}
	g.line("    expect: {%s}", strings.Join(r.expectation(), ", "))
	return r.Scene
}

// expectation is what came of a case, as YAML.
func (r *Result) expectation() []string {
	list := []string{"path: " + r.path()}
	if r.Case.Run != (Run{}) {
		return append(list, "relayed_to: "+r.targets())
	}
	return append(list, "reply: "+r.reply())
}

// path, reply and targets are what came, as YAML.
func (r *Result) path() string {
	var names []string
	for _, p := range r.Scene.Path() {
		names = append(names, yamlText(p.String()))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

func (r *Result) reply() string {
	if last := r.Scene.LastReply(); last != nil {
		return strconv.Itoa(last.Status())
	}
	return "none"
}

func (r *Result) targets() string {
	var targets []string
	for i := range r.Scene.Sent {
		targets = append(targets, yamlText(r.Scene.Sent[i].Target()))
	}
	return "[" + strings.Join(targets, ", ") + "]"
}

// more counts what a trace reached, and reports whether some of it is new.
func (c *counts) more(t *job.Trace) bool {
	rules, _, arms, _ := c.Reached()
	c.add(t)
	r, _, a, _ := c.Reached()
	return r > rules || a > arms
}

// behaviours are what branches may do, as written and as done.
var behaviours = []struct {
	text string
	do   scene.Branch
}{
	{"{reply: 503}", scene.Branch{Replies: []scene.Reply{{Code: 503}}}},
	{"{reply: 486}", scene.Branch{Replies: []scene.Reply{{Code: 486}}}},
	{"{reply: 404}", scene.Branch{Replies: []scene.Reply{{Code: 404}}}},
	{"{reply: 302}", scene.Branch{Replies: []scene.Reply{{Code: 302}}}},
	{"{reply: 603}", scene.Branch{Replies: []scene.Reply{{Code: 603}}}},
	{"{reply: [180, 200]}", scene.Branch{Replies: []scene.Reply{{Code: 180}, {Code: 200}}}},
	{"{reply: [183, 200]}", scene.Branch{Replies: []scene.Reply{{Code: 183}, {Code: 200}}}},
	{"{silent: true}", scene.Branch{}},
	{"{reply: 180, silent: true}", scene.Branch{Replies: []scene.Reply{{Code: 180}}}},
}

// maxTries bounds the scenes in which branches do not answer 200.
const maxTries = 2000

// refused tries requests that left with other answers: of the first branch, and of
// several.
func (g *generator) refused(sends []Case) {
	tries := 0
	for _, b := range behaviours {
		for _, n := range []int{1, 4} {
			for _, c := range sends {
				rules, ofRules, arms, ofArms := g.reached.Reached()
				if rules == ofRules && arms == ofArms || tries == maxTries {
					return
				}
				tries++
				c.Name += ": " + strings.Trim(b.text, "{}")
				c.Branches = slices.Repeat([]scene.Branch{b.do}, n)
				text := strings.Join(slices.Repeat([]string{b.text}, n), ", ")
				g.add(c, []string{"branches: [" + text + "]"}, false)
			}
		}
	}
}

// sound is a request without a fault, flaws what can be wrong with it, by the class
// of the error.
const sound = `OPTIONS sip:user@example.net SIP/2.0
Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK-malformed
Max-Forwards: 70
From: <sip:caller@example.org>;tag=1
To: <sip:user@example.net>
Call-ID: malformed
CSeq: 1 OPTIONS
Content-Length: 0

`

var flaws = []struct{ class, old, new string }{
	{"max-forwards", "Max-Forwards: 70", "Max-Forwards: many"},
	{"start-line", "SIP/2.0\nVia", "SIP/9.0\nVia"},
	{"uri", "sip:user@example.net SIP", "sip:user@[ SIP"},
	{"header", "Content-Length: 0", "Content-Length: 0\nno header field"},
	{"via", "SIP/2.0/UDP", "SIP/2.0/"},
	{"from", "<sip:caller@example.org>", "<sip:caller@"},
	{"to", "To: <sip:user@example.net>", "To: <"},
	{"call-id", "Call-ID: malformed\n", ""},
	{"cseq", "CSeq: 1 OPTIONS", "CSeq: one OPTIONS"},
	{"content-length", "Content-Length: 0", "Content-Length: none"},
	{"duplicate", "CSeq: 1 OPTIONS", "CSeq: 1 OPTIONS\nCSeq: 2 OPTIONS"},
	{"body", "Content-Length: 0", "Content-Length: 10"},
}

// malformed tries what the error route may see.
func (g *generator) malformed() {
	for _, f := range flaws {
		text := scene.Lines(strings.Replace(sound, f.old, f.new, 1))
		g.add(Case{Name: "malformed: " + f.class, Message: scene.Message{Raw: []byte(text)}}, nil, false)
	}
}
