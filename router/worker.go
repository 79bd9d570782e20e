package router

import (
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"

	"sipedge/router/job"
	"sipedge/router/uac"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// One message, on the goroutine that read it:
//
//  1. Receive parses it. A bad request is refused if it can be; a bad response ends here.
//  2. The transaction layer keeps what is its own: retransmissions, ACK to a
//     non-2xx, CANCEL of a known INVITE. A response goes on to Response or Stray.
//  3. Request gets the rest: an ACK to a stateless reply of ours ends here.
//  4. The request route of the current policy runs over a job.
//  5. What no rule answered is answered 404; an ACK is dropped.
//
// A panic in any of this costs that one message.

var messages = sync.Pool{New: func() any { return new(sip.Message) }}

// Receive is transport.User's.
func (r *Router) Receive(f transport.Flow, b []byte) {
	m := messages.Get().(*sip.Message)
	defer r.rescue(m, "receive")
	if err := m.Parse(b); err != nil {
		r.refuse(f, m, err)
	} else {
		if m.IsRequest() {
			r.count.requests[m.Method()].Add(1)
			m.MarkReceived(f.Remote, false)
		} else {
			r.count.replies[m.Status()/100].Add(1)
		}
		r.layer.Receive(f, m)
	}
	messages.Put(m)
}

// refuse answers a message that is not one, if somebody can be told.
func (r *Router) refuse(f transport.Flow, m *sip.Message, err error) {
	var pe *sip.ParseError
	if !errors.As(err, &pe) {
		return
	}
	r.tell(f, m, pe)
}

// tell has the error route deal with a request, or answers it.
func (r *Router) tell(f transport.Flow, m *sip.Message, pe *sip.ParseError) {
	r.count.malformed[classIndex(pe.Class)].Add(1)
	if r.cfg.Log.Enabled(background, slog.LevelDebug) {
		r.cfg.Log.LogAttrs(background, slog.LevelDebug, "malformed", slog.String("class", pe.Class),
			slog.String("error", pe.Error()), slog.String("message", sip.StartLine(m.Raw())),
			slog.String("remote", f.Remote.String()),
			slog.String("transport", f.Transport.String()))
	}
	p := r.policy.Load()
	if p == nil {
		return
	}
	if m.Replyable() {
		m.MarkReceived(f.Remote, false)
	}
	if p.error != nil && m.IsRequest() && r.erroneous(f, m, p, pe) {
		return
	}
	if m.Replyable() {
		r.proxy.Refuse(f, m, pe.Status, pe.Text)
	}
}

// erroneous runs the error route. True: it dealt with the request.
func (r *Router) erroneous(
	f transport.Flow, m *sip.Message, p *Policy, pe *sip.ParseError,
) bool {
	j := job.Get()
	j.Place, j.Now, j.Flow, j.Msg = schema.InError, r.cfg.Clock(), f, m
	j.Self, j.Received, j.Malformed = p.settings.Self, m.RURI(), pe
	if r.cfg.Trace != nil {
		j.Trace = r.cfg.Trace(f, m)
	}
	v := p.error.Run(background, j)
	done := j.Answered
	if v == job.Drop {
		r.count.dropped.Add(1)
		done = true
	}
	job.Put(j)
	return done
}

// Unframed is transport.Unframed's: header fields without a message, which is too large or
// whose length cannot be told.
func (r *Router) Unframed(f transport.Flow, header []byte, err error) {
	m := messages.Get().(*sip.Message)
	defer r.rescue(m, "unframed")
	_ = m.Parse(header) // its body is missing
	if errors.Is(err, transport.ErrTooLarge) {
		r.tell(f, m, tooLarge)
	} else {
		r.refuse(f, m, err)
	}
	messages.Put(m)
}

var tooLarge = &sip.ParseError{Status: 513, Class: "limit"}

// Failed and Closed are transport.User's.
func (r *Router) Failed(_ transport.Flow, ref uint64, err error) {
	defer r.rescue(nil, "failed")
	r.layer.TransportFailed(ref, err)
}

// Undelivered is transport.Undelivered's.
func (r *Router) Undelivered(_ transport.Flow, b []byte, _ error) {
	defer r.rescue(nil, "undelivered")
	r.layer.Undelivered(b)
}

// Closed ends bindings. A transaction whose connection is gone fails when it sends.
func (r *Router) Closed(f transport.Flow) {
	defer r.rescue(nil, "closed")
	r.flows.Closed(f, r.cfg.Clock())
}

// Held is transport.Holder's: a connection that a binding hangs on is not idle.
func (r *Router) Held(f transport.Flow) (held bool) {
	defer r.rescue(nil, "held")
	return r.flows.Held(f, r.cfg.Clock())
}

// Request is transaction.User's: a request nothing knows of, an ACK or CANCEL that
// matches none.
func (r *Router) Request(f transport.Flow, m *sip.Message) {
	p := r.policy.Load()
	if p == nil || m.Method() == sip.ACK && r.proxy.TagAbsorbs(m) {
		return
	}
	j := job.Get()
	j.Place, j.Now, j.Flow, j.Msg = schema.InRequest, r.cfg.Clock(), f, m
	j.Self, j.Received, j.Size = p.settings.Self, m.RURI(), len(m.Raw())
	if r.cfg.Trace != nil {
		j.Trace = r.cfg.Trace(f, m)
	}
	if r.serve(j, p) {
		job.Put(j)
	}
}

// serve runs the request route over a job; ok false: it panicked, or goes on elsewhere, and the
// job is not to be used again.
func (r *Router) serve(j *job.Job, p *Policy) (ok bool) {
	defer r.salvage(j)
	if r.unwelcome(j, p) {
		r.proxy.Reply(j, 503, "", p.settings.RetryAfter, false)
		return true
	}
	v := p.request.Run(background, j)
	if v == job.Wait {
		return !r.suspend(j, p)
	}
	r.finish(j, v)
	return true
}

// finish deals with what the run of a request ended with.
func (r *Router) finish(j *job.Job, v job.Verdict) {
	if j.Admitted && j.Verified {
		r.gateways.Hear(j.Msg)
	}
	switch {
	case v == job.Drop:
		r.count.dropped.Add(1)
		r.proxy.Drop(j)
	case !j.Answered:
		r.count.unanswered.Add(1)
		if j.Msg.Method() != sip.ACK {
			r.proxy.Reply(j, 404, "", nil, false)
		}
	}
}

// unwelcome reports whether a request begins something new while the server drains or has more
// to do than it can.
func (r *Router) unwelcome(j *job.Job, p *Policy) bool {
	drains, full := r.draining.Load(), j.Flow.Backlog > p.backlog
	switch {
	case !drains && !full || !opensDialog(j.Msg):
		return false
	case drains:
		r.count.drained.Add(1)
	default:
		r.count.overload.Add(1)
	}
	return true
}

// opensDialog reports whether a request would begin something new.
func opensDialog(m *sip.Message) bool {
	return m.ToTag() == nil && m.Method() != sip.ACK && m.Method() != sip.CANCEL
}

// The rest of transaction.User is the proxy's.

func (r *Router) Cancelled(s transaction.Server, word uint64, m *sip.Message) {
	defer r.rescue(m, "cancelled")
	r.proxy.Cancelled(s, word, m)
}

func (r *Router) Response(
	c transaction.Client, word uint64, f transport.Flow, m *sip.Message, err error,
) {
	defer r.rescue(m, "response")
	if uac.Owns(word) {
		r.agent.Response(word, f, m, err)
		return
	}
	r.proxy.Response(c, word, f, m, err)
}

func (r *Router) Stray(f transport.Flow, m *sip.Message) {
	defer r.rescue(m, "stray")
	if !r.pings.Answer(m) {
		r.proxy.Stray(f, m)
		return
	}
	if r.cfg.Log.Enabled(background, slog.LevelDebug) {
		r.cfg.Log.LogAttrs(background, slog.LevelDebug, "response to a ping",
			slog.Int("status", m.Status()), slog.String("remote", f.Remote.String()),
			slog.String("transport", f.Transport.String()))
	}
}

func (r *Router) Ended(s transaction.Server, word uint64) {
	defer r.rescue(nil, "ended")
	r.proxy.Ended(s, word)
}

// rescue keeps a panic to the message it came with.
func (r *Router) rescue(m *sip.Message, in string) {
	if x := recover(); x != nil {
		r.panicked(m, in, x)
	}
}

// salvage is rescue for the run of a policy: the request is answered 500, if it
// was not answered.
func (r *Router) salvage(j *job.Job) {
	x := recover()
	if x == nil {
		return
	}
	defer r.rescue(j.Msg, "salvage")
	r.panicked(j.Msg, "request", x)
	if !j.Answered && j.Msg.Method() != sip.ACK {
		r.proxy.Reply(j, 500, "", nil, false)
	}
}

// panicked counts and logs. Of the message only the start line is written: header
// fields carry secrets.
func (r *Router) panicked(m *sip.Message, in string, x any) {
	r.count.panics.Add(1)
	start := ""
	if m != nil {
		start = sip.StartLine(m.Raw())
	}
	r.cfg.Log.LogAttrs(background, slog.LevelError, "panic",
		slog.String("in", in), slog.Any("panic", x),
		slog.String("message", start), slog.String("stack", string(debug.Stack())))
}
