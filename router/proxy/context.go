package proxy

import (
	"context"
	"runtime"

	"sipedge/router/fault"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/slab"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// A responseContext is one, RFC 3261 §16: a server transaction, the branches
// of its request and what came back. It is an actor:
//
//  1. An event (a response, the end of a branch, a CANCEL, an address that was
//     looked up, the end of the server transaction) comes in by post.
//  2. The goroutine that finds the context idle makes it busy and handles the
//     event with no lock held; others leave theirs in the queue and go.
//  3. Before it goes, the busy one handles what was queued meanwhile, and lays
//     the context to rest (rest.go).
//
// The run of a request route has the context busy in the same way while it
// is in Relay or Reply.
type responseContext struct {
	p     *Proxy
	queue []event // guarded by the lock of the shard

	// What follows belongs to whoever has the context busy.
	state
	set     *Settings
	flow    transport.Flow // of the request
	request *sip.Message   // index over raw while busy, or nil
	spoiled bool           // request has been made into a branch
	trace   *job.Trace     // of the request, or nil
	caller  *job.Job       // of the Relay that is running, for an on_error route
	kept    []byte         // arena of what outlives its job
	avp     job.Values

	token, received, rrParams []byte     // in the text, or before there is one in kept
	auth                      job.Auth   // likewise
	raw                       []byte     // the request as branches and failure routes begin with it
	past                      slab.Piece // the text before this one: request may be made of it

	recordRoute *job.RecordRoute
	ways        *job.Ways

	hooks    Hooks        // of the last relay; To is not kept
	members  []job.Target // of the relay under way
	later    []job.Target // of lower q, for next_branches
	serial   bool         // later is sent to without a failure route
	branches []*branch
	ended    bool // the server transaction has left memory

	postponed bool            // what follows the last relay follows on the pool
	pool      context.Context // of the goroutine at work, if it is one of the pool
}

type event struct {
	kind   eventKind
	client transaction.Client
	flow   transport.Flow
	msg    *sip.Message
	own    bool // msg is the context's to keep
	err    error
	branch int // of a look-up
	hops   []resolve.Hop
	pool   context.Context // of what was postponed
}

type eventKind uint8

const (
	eventResponse eventKind = iota
	eventCancel
	eventResolved
	eventPostponed
	eventEnded
)

// post hands an event to the context of a word. False: it has ended.
func (p *Proxy) post(word uint64, e event) bool {
	sh, st := p.contexts.seats.Lock(word)
	switch {
	case st == nil:
		sh.Unlock()
		return false
	case st.Busy:
		lost := !sh.Awake(st).enqueue(&e)
		sh.Unlock()
		if lost {
			p.stats.droppedResponses.Add(1)
		}
		return true
	case sh.Awake(st) == nil && e.kind == eventEnded:
		p.contexts.free(sh, st, word)
		sh.Unlock()
		return true
	}
	c := p.contexts.wake(sh, st)
	sh.Unlock()
	defer c.rescue()
	if !c.handle(&e) {
		c.release()
	}
	return true
}

// enqueue leaves an event with a context that is busy. False: it is lost.
func (c *responseContext) enqueue(e *event) bool {
	if len(c.queue) >= maxQueue && e.mayBeLost() {
		return false
	}
	if e.msg != nil {
		e.msg, e.own = c.p.copyOf(e.msg), true
	}
	c.queue = append(c.queue, *e)
	c.queue[len(c.queue)-1].pool = nil
	return true
}

// maxQueue is from how many events on those are lost that may be: each holds a
// message, and a peer may send faster than a route runs.
const maxQueue = 64

// mayBeLost reports whether an event may be lost as on the wire: a 1xx, and a
// 2xx to an INVITE, which is sent until its ACK comes (RFC 3261 §13.3.1.4).
func (e *event) mayBeLost() bool {
	return e.msg != nil && (e.msg.Status() < 200 ||
		e.msg.Status() < 300 && e.msg.Method() == sip.INVITE)
}

// acquire returns the context of a word busy for the run of a request route.
// Only the moment in which a CANCEL is answered can keep it waiting, since
// routes run only after a Relay. Nil: the transaction ended.
func (p *Proxy) acquire(word uint64) *responseContext {
	for {
		sh, st := p.contexts.seats.Lock(word)
		if st == nil {
			sh.Unlock()
			return nil
		}
		if !st.Busy {
			c := p.contexts.wake(sh, st)
			sh.Unlock()
			return c
		}
		sh.Unlock()
		runtime.Gosched()
	}
}

// release handles what is queued, then has the context idle, at rest if it
// can, or free when its server transaction has ended or nothing else can come.
func (c *responseContext) release() {
	s := &c.p.contexts
	for {
		c.p.putMessage(c.request)
		c.request, c.spoiled, c.pool = nil, false, nil
		sh, st := s.seats.Lock(c.word)
		sh.Texts.Free(&c.past)
		if len(c.queue) == 0 {
			st.Busy = false
			idle := true
			if c.ended || c.over() {
				s.free(sh, st, c.word)
			} else {
				idle = c.rest(sh, st)
			}
			sh.Unlock()
			if idle {
				c.reset()
				s.pool.Put(c)
			}
			return
		}
		e := c.queue[0]
		n := copy(c.queue, c.queue[1:])
		c.queue[n] = event{}
		c.queue = c.queue[:n]
		sh.Unlock()
		if c.handle(&e) {
			return
		}
	}
}

// over reports whether nothing can come that the context would have to do with, though its
// server transaction stays to answer what is sent again: further 2xx come to an INVITE alone.
func (c *responseContext) over() bool {
	return c.answered && !(c.success && c.method == sip.INVITE) && !c.waiting()
}

// rescue lets a panic of a route cost its transaction and no more: the
// context answers 500, goes on with the queue, and the panic goes up to
// whoever counts it.
func (c *responseContext) rescue() {
	r := recover()
	if r == nil {
		return
	}
	c.crashed = true
	if j := c.caller; j != nil && len(c.raw) == 0 {
		c.freeze(j.Msg, false)
	}
	c.caller = nil
	c.hangUp(nil)
	c.local(&fault.Fault{Status: 500})
	c.release()
	panic(r)
}

// handle deals with an event. gone: the context is another goroutine's now.
func (c *responseContext) handle(e *event) (gone bool) {
	switch e.kind {
	case eventResponse:
		return c.response(e)
	case eventCancel:
		c.cancel()
	case eventResolved:
		c.resolved(e)
	case eventPostponed:
		c.goOn(e)
	case eventEnded:
		c.ended = true
	}
	return false
}

// Response takes what the layer says of a client transaction.
func (p *Proxy) Response(
	c transaction.Client, word uint64, f transport.Flow, m *sip.Message, err error,
) {
	p.post(word, event{kind: eventResponse, client: c, flow: f, msg: m, err: err})
}

// Cancelled takes the caller's CANCEL.
func (p *Proxy) Cancelled(_ transaction.Server, word uint64, _ *sip.Message) {
	p.post(word, event{kind: eventCancel})
}

// Ended takes the end of a server transaction, with which its context ends.
func (p *Proxy) Ended(_ transaction.Server, word uint64) {
	p.post(word, event{kind: eventEnded})
}

// reset prepares for another context; memory is kept.
func (c *responseContext) reset() {
	for _, b := range c.branches {
		b.reset(c.p)
	}
	clear(c.members)
	clear(c.later)
	c.avp.Reset()
	*c = responseContext{
		p: c.p, queue: c.queue[:0], avp: c.avp,
		kept: slab.Emptied(c.kept), members: c.members[:0], later: c.later[:0],
		branches: c.branches[:0],
	}
}

// keep copies b to where it lives as long as the context.
func (c *responseContext) keep(b []byte) []byte {
	if b == nil {
		return nil
	}
	n := len(c.kept)
	c.kept = append(c.kept, b...)
	return c.kept[n:len(c.kept):len(c.kept)]
}

// freeze makes m, with its edits, the request that what the context does by
// itself begins with from now on. whole: that may be more than an answer.
func (c *responseContext) freeze(m *sip.Message, whole bool) {
	c.lay(m, whole)
	if m != c.request {
		c.p.putMessage(c.request)
		c.request = nil
	}
	c.spoiled = c.request != nil
}

// message is the request as it was frozen.
func (c *responseContext) message() *sip.Message {
	if c.request != nil && !c.spoiled {
		return c.request
	}
	if c.request == nil {
		c.request = c.p.messages.Get().(*sip.Message)
	}
	_ = c.request.Parse(c.raw) // it was parsed when it came, and may have lost its body since
	c.spoiled = false
	return c.request
}

// job makes a job over the request for a route that the context runs.
func (c *responseContext) job(place schema.Place, m *sip.Message) *job.Job {
	j := job.Get()
	j.Place, j.Now, j.Flow, j.Msg = place, c.p.cfg.Clock(), c.flow, m
	j.Self, j.Server, j.Word, j.Context = c.set.Self, c.server, c.word, c
	j.Received, j.RecordRoute, j.RRParams = c.received, c.recordRoute, c.rrParams
	j.Size = int(c.size)
	j.SendSocket, j.Direction, j.Verified = c.sendSocket, c.direction, c.verified
	j.Auth, j.Shared, j.Choice, j.Ways = c.auth, &c.avp, c.choice, c.ways
	j.Trace = c.trace
	return j
}
