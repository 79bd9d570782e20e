package proxy

import (
	"runtime"
	"sync"

	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// A responseContext is one, RFC 3261 §16: a server transaction, the branches
// of its request and what came back. It is an actor:
//
//  1. An event (a response, the end of a branch, a CANCEL, an address that was
//     looked up, the end of the server transaction) comes in by post.
//  2. The goroutine that finds the context idle makes it busy and handles the
//     event with mu released; others leave theirs in the queue and go.
//  3. Before it goes, the busy one handles what was queued meanwhile.
//
// The run of a request route has the context busy in the same way while it
// is in Relay or Reply.
type responseContext struct {
	p      *Proxy
	index  uint32
	within within

	mu     sync.Mutex // guards what stands up to the blank line
	gen    uint32
	live   bool
	busy   bool
	server transaction.Server
	queue  []event

	// What follows belongs to whoever has the context busy.
	word    uint64
	set     *Settings
	flow    transport.Flow // of the request
	method  sip.Method
	raw     []byte       // the request as branches and failure routes begin with it
	next    []byte       // the spare buffer of raw
	request *sip.Message // index over raw while busy, or nil
	spoiled bool         // request has been made into a branch
	trace   *job.Trace   // of the request, or nil
	caller  *job.Job     // of the Relay that is running, for an on_error route
	token   identity.Token
	kept    []byte // arena of what outlives its job
	avp     job.Values

	size        int // bytes of the request as it was received
	received    []byte
	recordRoute bool
	rrParams    []byte
	sendSocket  uint16
	direction   job.Direction
	verified    bool

	hooks    Hooks        // of the last relay; To is not kept
	members  []job.Target // of the relay under way
	later    []job.Target // of lower q, for next_branches
	own      job.Target   // what next_branches made the Request-URI, or zero
	breadth  int
	attempt  int // relays so far
	failures int // failure routes run
	branches []*branch
	tried    bool // 100 was sent

	answered  bool // a final response went upstream, or none will
	success   bool // it was a 2xx
	cancelled bool // by the caller
	declined  bool // a 6xx came
	crashed   bool // a route panicked: no other runs
	ended     bool // the server transaction has left memory
}

// within marks the jobs that the context itself runs: their Relay and Reply
// find it busy by themselves.
type within struct{ c *responseContext }

type event struct {
	kind   eventKind
	client transaction.Client
	flow   transport.Flow
	msg    *sip.Message
	own    bool // msg is the context's to keep
	err    error
	branch int // of a look-up
	hops   []resolve.Hop
}

type eventKind uint8

const (
	eventResponse eventKind = iota
	eventCancel
	eventResolved
	eventEnded
)

// post hands an event to the context of a word. False: it has ended.
func (p *Proxy) post(word uint64, e event) bool {
	c := p.contexts.get(word)
	if c == nil {
		return false
	}
	c.mu.Lock()
	switch {
	case !c.live || c.gen != uint32(word>>32):
		c.mu.Unlock()
		return false
	case c.busy && len(c.queue) >= maxQueue && e.mayBeLost():
		c.mu.Unlock()
		p.stats.droppedResponses.Add(1)
		return true
	case c.busy:
		if e.msg != nil {
			e.msg, e.own = p.copyOf(e.msg), true
		}
		c.queue = append(c.queue, e)
		c.mu.Unlock()
		return true
	}
	c.busy = true
	c.mu.Unlock()
	defer c.rescue()
	c.handle(&e)
	c.release()
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

// acquire makes the context of j's server transaction busy for the run of a
// request route. Only the moment in which a CANCEL is answered can keep it
// waiting, since routes run only after a Relay. False: the transaction ended.
func (c *responseContext) acquire(s transaction.Server) bool {
	for {
		c.mu.Lock()
		if !c.live || c.server != s {
			c.mu.Unlock()
			return false
		}
		if !c.busy {
			c.busy = true
			c.mu.Unlock()
			return true
		}
		c.mu.Unlock()
		runtime.Gosched()
	}
}

// release handles what is queued, then makes the context idle, or free when
// its server transaction has ended.
func (c *responseContext) release() {
	for {
		c.p.putMessage(c.request)
		c.request, c.spoiled = nil, false
		c.mu.Lock()
		if len(c.queue) == 0 {
			break
		}
		e := c.queue[0]
		n := copy(c.queue, c.queue[1:])
		c.queue[n] = event{}
		c.queue = c.queue[:n]
		c.mu.Unlock()
		c.handle(&e)
	}
	if !c.ended {
		c.busy = false
		c.mu.Unlock()
		return
	}
	c.live = false
	c.server = transaction.Server{}
	c.mu.Unlock()
	c.reset()
	c.p.contexts.put(c)
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
		c.freeze(j.Msg)
	}
	c.caller = nil
	c.hangUp(nil)
	c.local(&fault{status: 500})
	c.release()
	panic(r)
}

func (c *responseContext) handle(e *event) {
	switch e.kind {
	case eventResponse:
		c.response(e)
	case eventCancel:
		c.cancel()
	case eventResolved:
		c.resolved(e)
	case eventEnded:
		c.ended = true
	}
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

// reset prepares the context for its next use; memory is kept.
func (c *responseContext) reset() {
	for _, b := range c.branches {
		b.reset(c.p)
	}
	clear(c.members)
	clear(c.later)
	c.avp.Reset()
	c.word, c.set, c.flow, c.method = 0, nil, transport.Flow{}, 0
	c.raw, c.next, c.kept = emptied(c.raw), emptied(c.next), emptied(c.kept)
	c.trace, c.caller, c.token = nil, nil, identity.Token{}
	c.size, c.received, c.recordRoute, c.rrParams, c.sendSocket = 0, nil, false, nil, 0
	c.direction, c.verified = 0, false
	c.hooks, c.later, c.own, c.breadth = Hooks{}, c.later[:0], job.Target{}, 0
	c.attempt, c.failures, c.branches, c.tried = 0, 0, c.branches[:0], false
	c.answered, c.success, c.cancelled = false, false, false
	c.declined, c.crashed, c.ended = false, false, false
}

// maxIdle is the most memory a context keeps of each buffer, in bytes.
const maxIdle = 8 << 10

func emptied(b []byte) []byte {
	if cap(b) > maxIdle {
		return nil
	}
	return b[:0]
}

// strip gives up the memory of a context that is not in use.
func (c *responseContext) strip() {
	c.raw, c.next, c.kept, c.queue = nil, nil, nil, nil
	c.members, c.later, c.branches = nil, nil, nil
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

// freeze makes m, with its edits, the request that branches and failure
// routes begin with from now on.
func (c *responseContext) freeze(m *sip.Message) {
	c.next = m.AppendTo(c.next[:0])
	c.raw, c.next = c.next, c.raw
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
	_ = c.request.Parse(c.raw) // it was parsed when it came
	c.spoiled = false
	return c.request
}

// job makes a job over the request for a route that the context runs.
func (c *responseContext) job(place schema.Place, m *sip.Message) *job.Job {
	j := job.Get()
	j.Place, j.Now, j.Flow, j.Msg = place, c.p.cfg.Clock(), c.flow, m
	j.Self, j.Server, j.Context = c.set.Self, c.server, &c.within
	j.Received, j.RecordRoute, j.RRParams = c.received, c.recordRoute, c.rrParams
	j.Size = c.size
	j.SendSocket, j.Direction, j.Verified = c.sendSocket, c.direction, c.verified
	j.Shared = &c.avp
	j.Trace = c.trace
	return j
}
