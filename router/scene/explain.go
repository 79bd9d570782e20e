package scene

import (
	"io"
	"time"

	"sipedge/router/trace"
	"sipedge/schema"
)

// Question is a message about which a policy is asked.
type Question struct {
	Message  Message
	Origin   Origin
	Outside  Outside
	Branches []Branch  // nil: nothing comes back
	Time     time.Time // zero: the start of the world
}

// Explain runs a policy over a message. With branches the scene goes on to its
// end, without it stops at what leaves at once. err: the message cannot reach
// the policy so.
func Explain(doc *schema.Document, q *Question) (*Scene, error) {
	w, err := Start(doc, q.Outside, q.Time, 0)
	if err != nil {
		return nil, err
	}
	s := &Scene{script: q.Branches}
	return s, w.ask(s, q.Origin, &q.Message, q.Branches == nil)
}

// Path is the rules that matched, in order.
func (s *Scene) Path() []trace.PathItem { return trace.Path(&s.Trace) }

// account is what there is to tell of the scene.
func (s *Scene) account() *trace.Account {
	a := &trace.Account{Request: s.Request, Trace: &s.Trace, Log: s.Log}
	for i := range s.Replies {
		a.Replies = append(a.Replies, s.Replies[i].Message)
	}
	for i := range s.Sent {
		a.Sent = append(a.Sent, trace.Sent{Target: s.Sent[i].Target(), Message: s.Sent[i].Message})
	}
	return a
}

// WriteText tells a person what the request was, how it was decided and what left.
func (s *Scene) WriteText(w io.Writer) error { return s.account().WriteText(w) }

// WriteJSON writes the same as one document.
func (s *Scene) WriteJSON(w io.Writer) error { return s.account().WriteJSON(w) }
