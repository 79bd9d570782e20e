package policytest

import (
	"errors"
	"io"
	"strings"
	"time"

	"sipedge/schema"
)

// Question is a message about which a policy is asked.
type Question struct {
	Message  Message
	Origin   Origin
	Branches []Branch  // nil: nothing comes back
	Time     time.Time // zero: the start of the world
}

// Explain runs a policy over a message. With branches the scene goes on to its
// end, without it stops at what leaves at once. err: the message cannot reach
// the policy so.
func Explain(doc *schema.Document, q *Question) (*Scene, error) {
	w, diags, err := newWorld(doc, newHosts(), q.Time)
	if err != nil {
		return nil, err
	}
	if w == nil {
		return nil, errors.New(diags[0].String())
	}
	f, err := q.Origin.flow(w.node.Listeners())
	if err != nil {
		return nil, err
	}
	s := &Scene{script: q.Branches}
	w.play(s, f, &q.Message, q.Branches == nil)
	return s, nil
}

// plain is a message with the line ends of text files.
func plain(m string) string {
	return strings.TrimRight(strings.ReplaceAll(m, "\r\n", "\n"), "\n") + "\n"
}

// WriteText tells a person what the request was, how it was decided and what left.
func (s *Scene) WriteText(w io.Writer) error {
	p := writer{w: w}
	p.line("request")
	p.text(plain(s.Request), "    ")
	if len(s.Trace.Events) == 0 {
		p.line("no rule saw it: the engine dealt with it by itself")
		for i := range s.Replies {
			p.line("→ the caller")
			p.text(plain(s.Replies[i].Message), "    ")
		}
		return p.err
	}
	if p.err != nil {
		return p.err
	}
	if err := s.Trace.WriteText(w, true); err != nil {
		return err
	}
	for _, line := range s.Log {
		p.line("log: %s", line)
	}
	return p.err
}

// WriteJSON writes the same as one document.
func (s *Scene) WriteJSON(w io.Writer) error {
	type message struct {
		Target  string `json:"target,omitempty"`
		Message string `json:"message"`
	}
	out := struct {
		Request string    `json:"request"`
		Trace   any       `json:"trace"`
		Path    []string  `json:"path"`
		Replies []message `json:"replies"`
		Sent    []message `json:"sent"`
		Log     []string  `json:"log,omitempty"`
	}{s.Request, s.Trace.Events, []string{}, []message{}, []message{}, s.Log}
	for _, p := range Path(&s.Trace) {
		out.Path = append(out.Path, p.String())
	}
	for i := range s.Replies {
		out.Replies = append(out.Replies, message{Message: s.Replies[i].Message})
	}
	for i := range s.Sent {
		out.Sent = append(out.Sent, message{s.Sent[i].Target(), s.Sent[i].Message})
	}
	return writeJSON(w, out)
}
