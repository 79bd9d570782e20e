package scene

import (
	"encoding/json"
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
	w, err := Start(doc, NewHosts(), q.Time, 0)
	if err != nil {
		return nil, err
	}
	s := &Scene{script: q.Branches}
	return s, w.ask(s, q.Origin, &q.Message, q.Branches == nil)
}

// WriteText tells a person what the request was, how it was decided and what left.
func (s *Scene) WriteText(w io.Writer) error {
	var b strings.Builder
	b.WriteString("request\n")
	indent(&b, s.Request)
	if len(s.Trace.Events) == 0 {
		b.WriteString("no rule saw it: the engine dealt with it by itself\n")
		for i := range s.Replies {
			b.WriteString("→ the caller\n")
			indent(&b, s.Replies[i].Message)
		}
	}
	_ = s.Trace.WriteText(&b, true) // a Builder takes all
	for _, line := range s.Log {
		b.WriteString("log: " + line + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// indent writes a message with the line ends of text files.
func indent(b *strings.Builder, message string) {
	message = strings.ReplaceAll(message, "\r\n", "\n")
	for line := range strings.SplitSeq(strings.TrimRight(message, "\n"), "\n") {
		b.WriteString("    " + line + "\n")
	}
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
	for _, p := range s.Path() {
		out.Path = append(out.Path, p.String())
	}
	for i := range s.Replies {
		out.Replies = append(out.Replies, message{Message: s.Replies[i].Message})
	}
	for i := range s.Sent {
		out.Sent = append(out.Sent, message{s.Sent[i].Target(), s.Sent[i].Message})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}
