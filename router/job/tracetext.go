package job

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// WriteText writes the trace for a person, times counted from its first event.
// Messages are written whole or by their first line.
//
//	0s  request route
//	      – emergency (policy.yaml:7): uri.user is "100"
//	      ✓ calls (policy.yaml:9)
//	          prefix: ruri sip:100@example.net → sip:0100@example.net
//	          relay: done
//	0s  → udp 192.0.2.9:5060 (gw.example.org)  INVITE sip:0100@example.net SIP/2.0
func (t *Trace) WriteText(w io.Writer, whole bool) error {
	p := printer{w: w, whole: whole}
	if len(t.Events) > 0 {
		p.start = t.Events[0].At
	}
	for i := range t.Events {
		e := &t.Events[i]
		at := e.At.Sub(p.start).Round(time.Millisecond)
		switch {
		case e.Run != nil:
			p.line(0, "%s  %s", at, title(e.Run))
			p.run(e.Run, 2)
		case e.Sent != nil:
			p.message(at, "→", e.Sent)
		case e.Got != nil:
			p.message(at, "←", e.Got)
		case e.Why != "":
			p.line(0, "%s  refused: %s", at, clip(e.Why))
		}
	}
	return p.err
}

type printer struct {
	w     io.Writer
	start time.Time
	whole bool
	err   error
}

func (p *printer) line(depth int, format string, args ...any) {
	text := strings.Repeat("  ", depth) + fmt.Sprintf(format, args...) + "\n"
	if _, err := io.WriteString(p.w, text); err != nil && p.err == nil {
		p.err = err
	}
}

func title(r *Run) string {
	if r.Type == r.Route {
		return r.Type + " route"
	}
	return r.Type + " route " + r.Route
}

func (p *printer) run(r *Run, depth int) {
	for i := range r.Rules {
		try := &r.Rules[i]
		name := try.Title()
		if try.Pos != "" {
			name += " (" + try.Pos + ")"
		}
		if try.Failed != nil {
			p.line(depth, "– %s: %s", name, try.Failed)
			continue
		}
		if try.Again {
			name += " goes on"
		}
		p.line(depth, "✓ %s", name)
		for _, s := range try.Steps {
			p.step(s, depth+2)
		}
	}
	if r.Verdict == Next.String() {
		p.line(depth, "off its end")
	}
}

func (p *printer) step(s *StepDone, depth int) {
	text := s.Action
	switch {
	case s.Error != "":
		text += ": failed: " + s.Error
	case s.Verdict != Next.String():
		text += ": " + s.Verdict
	}
	if len(s.Edits) == 1 && !strings.Contains(text, ":") {
		p.line(depth, "%s: %s", text, s.Edits[0])
	} else {
		p.line(depth, "%s", text)
		for _, e := range s.Edits {
			p.line(depth+1, "%s", e)
		}
	}
	for _, r := range s.Runs {
		p.line(depth+1, "%s", title(r))
		p.run(r, depth+2)
	}
}

func (p *printer) message(at time.Duration, arrow string, m *Wire) {
	name := ""
	if m.Name != "" {
		name = " (" + m.Name + ")"
	}
	p.line(0, "%s  %s %s %s%s  %s", at, arrow, m.Transport, m.Remote, name, m.Start())
	if !p.whole {
		return
	}
	_, rest, _ := strings.Cut(m.Message, "\r\n")
	for l := range strings.SplitSeq(strings.TrimRight(rest, "\r\n"), "\r\n") {
		p.line(2, "%s", l)
	}
}

// Title is the rule's name, or its number from 1.
func (t *Try) Title() string {
	if t.Name != "" {
		return t.Name
	}
	return "rule " + strconv.Itoa(t.Index+1)
}

// String is "uri.user is "100"".
func (m *Miss) String() string {
	if m.Value == "" {
		return m.Field + " does not hold"
	}
	return m.Field + " is " + m.Value
}

// String is "ruri sip:a@b → sip:c@b".
func (e Edit) String() string {
	switch {
	case e.Before == "":
		return "+ " + e.Field + " " + clip(e.After)
	case e.After == "":
		return "- " + e.Field + " " + clip(e.Before)
	}
	return e.Field + " " + clip(e.Before) + " → " + clip(e.After)
}

const longest = 160 // bytes of a value in a text

func clip(s string) string {
	s = strings.NewReplacer("\r\n", "\\n", "\n", "\\n", "\r", "\\n").Replace(s)
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return s
}
