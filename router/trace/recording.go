package trace

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// End is why a recording ended.
type End string

const (
	ByCalls End = "calls" // all that were ordered are over
	ByTime  End = "time"
	ByRoom  End = "room" // it holds as much as it may
	ByStop  End = "stop" // somebody asked for it
)

// Status is how far a recording has come.
type Status struct {
	ID       string    `json:"id"`
	Calls    int       `json:"calls"`    // that are recorded
	Over     int       `json:"over"`     // of these
	Requests int       `json:"requests"` // of all calls
	Ends     time.Time `json:"ends"`     // at the latest
	Ended    End       `json:"ended,omitempty"`
}

// Recording is of the calls that an Order asks for. A call is what has the same Call-ID. It
// begins to be recorded with a request that the order matches, and is over when its BYE, or a
// request that makes no call, is answered, when its INVITE fails, or when its request is dropped.
// 401 and 407 don't end it: the request comes again.
type Recording struct {
	id       string
	recorder *Recorder
	filter   *filter
	ends     time.Time
	room     *job.Room

	mu    sync.Mutex // guards what follows; taken before that of a job.Trace
	timer *time.Timer
	calls []*call
	byID  map[string]*call
	count int // requests of all calls
	ended End
}

// call is what has one Call-ID, or one request without any.
type call struct {
	requests []*request
	inDialog bool // it is recorded from its midst
	answered bool // the INVITE, by 2xx
	over     bool
}

// request is one request of a call, with the responses to it.
type request struct {
	method, text string
	cseq         uint32
	trace        job.Trace
}

// trace returns what to tell of a message, or nil.
func (r *Recording) trace(f transport.Flow, m *sip.Message) *job.Trace {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.room.Full() || r.count == maxRequests {
		r.finish(ByRoom)
	}
	if r.ended != "" {
		return nil
	}
	c := r.byID[string(m.CallID())]
	if c == nil {
		if !m.IsRequest() || len(r.calls) == r.filter.Count || !r.filter.matches(f, m) {
			return nil
		}
		c = &call{inDialog: m.ToTag() != nil}
		r.calls = append(r.calls, c)
		if id := string(m.CallID()); id != "" {
			r.byID[id] = c
		}
	}
	return r.request(c, m)
}

// request returns the trace of a request, which a retransmission and a response have in common.
func (r *Recording) request(c *call, m *sip.Message) *job.Trace {
	method, cseq := string(m.MethodName()), m.CSeq()
	i := slices.IndexFunc(c.requests, func(q *request) bool {
		return q.method == method && q.cseq == cseq
	})
	switch {
	case i >= 0:
		return &c.requests[i].trace
	case !m.IsRequest():
		return nil
	}
	q := &request{method: method, text: string(m.Raw()), cseq: cseq}
	q.trace.Room = r.room
	q.trace.Changed = func(e job.Event) { r.changed(c, q, e) }
	r.room.Take(len(q.text))
	r.count++
	c.requests = append(c.requests, q)
	return &q.trace
}

// changed follows a call to its end.
func (r *Recording) changed(c *call, q *request, e job.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case e.Sent != nil:
		c.sent(q, e.Sent)
	case e.Run != nil && q == c.requests[0] && e.Run.Verdict == job.Drop.String():
		c.over = c.over || e.Run.Type == "request" || e.Run.Type == "error"
	}
	switch {
	case r.room.Full():
		r.finish(ByRoom)
	case len(r.calls) == r.filter.Count && !slices.ContainsFunc(r.calls, (*call).goesOn):
		r.finish(ByCalls)
	}
}

// sent notes a final response to a request of the call.
func (c *call) sent(q *request, w *job.Wire) {
	rest, ok := strings.CutPrefix(w.Message, "SIP/2.0 ")
	if !ok || len(rest) < 3 {
		return
	}
	status, err := strconv.Atoi(rest[:3])
	if err != nil || status < 200 || status == 401 || status == 407 {
		return
	}
	switch first := c.requests[0].method; {
	case q.method == "BYE":
		c.over = true
	case q.method != first || c.answered:
	case first == "INVITE" && status < 300 && !c.inDialog:
		c.answered = true
	default:
		c.over = true
	}
}

// goesOn reports whether there is more to come of a call.
func (c *call) goesOn() bool {
	return !c.over || slices.ContainsFunc(c.requests, func(q *request) bool {
		return q.trace.Running()
	})
}

func (r *Recording) end(why End) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finish(why)
}

// finish ends a recording. What goes on is recorded no longer.
func (r *Recording) finish(why End) {
	if r.ended != "" {
		return
	}
	r.ended = why
	r.room.Close()
	r.recorder.armed.CompareAndSwap(r, nil)
	r.timer.Stop()
	r.timer = time.AfterFunc(kept, func() { r.recorder.last.CompareAndSwap(r, nil) })
}

// Stop ends the recording, if it runs.
func (r *Recording) Stop() { r.end(ByStop) }

// Status says how far it has come.
func (r *Recording) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{ID: r.id, Calls: len(r.calls), Requests: r.count, Ends: r.ends, Ended: r.ended}
	for _, c := range r.calls {
		if !c.goesOn() {
			s.Over++
		}
	}
	return s
}

// Accounts are the requests recorded so far, call by call, without credentials.
func (r *Recording) Accounts() []*Account {
	r.mu.Lock()
	var all []*request
	for _, c := range r.calls {
		all = append(all, c.requests...)
	}
	r.mu.Unlock()
	list := make([]*Account, len(all))
	for i, q := range all {
		list[i] = q.account()
	}
	return list
}

func (q *request) account() *Account {
	events := q.trace.Ended()
	messages := []string{q.text}
	for _, e := range events {
		if e.Sent != nil {
			messages = append(messages, e.Sent.Message)
		}
	}
	h := newHider(messages...)
	a := &Account{Request: h.message(q.text), Trace: &job.Trace{Events: h.events(events)}}
	for _, e := range a.Trace.Events {
		if e.Sent != nil {
			a.sent(e.Sent)
		}
	}
	return a
}

// sent adds a message that left, once.
func (a *Account) sent(w *job.Wire) {
	if strings.HasPrefix(w.Message, "SIP/2.0 ") {
		if !slices.Contains(a.Replies, w.Message) {
			a.Replies = append(a.Replies, w.Message)
		}
		return
	}
	s := Sent{Target(sip.LookupTransport([]byte(w.Transport)), w.Remote, w.Name), w.Message}
	if !slices.Contains(a.Sent, s) {
		a.Sent = append(a.Sent, s)
	}
}
