package proxy

import (
	"slices"
	"time"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/slab"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// Rest. Between two events a context is what is needed to go on: a record in
// its seat, and a text. A million calls that ring are so a few thousand pages
// the garbage collector need not look into; and what events work on is the same
// few responseContexts again and again, which are in the cache.

// state is what of a context has no pointers.
type state struct {
	word       uint64 // of the seat
	server     transaction.Server
	method     sip.Method
	direction  job.Direction
	sendSocket uint16
	size       uint32 // bytes of the request as it was received
	verified   bool

	tried     bool // 100 was sent
	answered  bool // a final response went upstream, or none will
	success   bool // it was a 2xx
	cancelled bool // by the caller
	declined  bool // a 6xx came
	crashed   bool // a route panicked: no other runs

	choice   job.Choice
	breadth  int
	attempt  int // relays so far
	failures int // failure routes run
}

// A record is a context at rest.
type record struct {
	state
	flow     transport.PackedFlow
	tune     uint32
	text     slab.Piece // token, raw, received, auth, rrParams, in this order
	raw      uint32     // bytes of text that are
	received uint32     // bytes of text that are
	auth     uint32     // bytes of text that are
	n        int        // branches
	branches [restBranches]branchState
}

// restBranches is how many branches a context may have and rest.
const restBranches = 3

// A tune is what a context runs under: many have the same.
type tune struct {
	set                   *Settings
	branch, reply         job.Route
	failure, onError      job.Route
	finalWait, inviteWait time.Duration
	undo                  job.Undo
	recordRoute           *job.RecordRoute
	ways                  *job.Ways
}

func (c *responseContext) tune() tune {
	h := &c.hooks
	return tune{
		set: c.set, branch: h.Branch, reply: h.Reply, failure: h.Failure, onError: h.OnError,
		finalWait: h.FinalWait, inviteWait: h.InviteWait, undo: h.undo,
		recordRoute: c.recordRoute, ways: c.ways,
	}
}

// rise takes up what a record says.
func (c *responseContext) rise(sh *shard, r *record) {
	c.state, c.flow = r.state, c.p.contexts.packer.UnpackFlow(&r.flow)
	t := sh.Values.At(r.tune)
	c.set, c.recordRoute, c.ways = t.set, t.recordRoute, t.ways
	c.hooks = Hooks{
		Branch: t.branch, Reply: t.reply, Failure: t.failure, OnError: t.onError,
		FinalWait: t.finalWait, InviteWait: t.inviteWait, undo: t.undo,
	}
	for i := range r.n {
		c.addBranch().branchState = r.branches[i]
	}
}

// rest lays the context down in its seat. False: it cannot.
func (c *responseContext) rest(sh *shard, st *seat) bool {
	if c.answered {
		c.forget()
	}
	if !c.canRest() {
		return false
	}
	r := &st.Rest
	r.state, r.flow, r.n = c.state, c.p.contexts.packer.PackFlow(c.flow), len(c.branches)
	for i, b := range c.branches {
		r.branches[i] = b.branchState
	}
	r.tune = sh.Values.Keep(r.tune, c.tune())
	c.layText(sh, r)
	sh.Dismiss(st)
	return true
}

// canRest: what only events under way need, or is rare, keeps a context awake.
func (c *responseContext) canRest() bool {
	if c.postponed || len(c.branches) > restBranches || len(c.queue) > 0 || c.trace != nil ||
		!c.avp.Empty() || len(c.later) > 0 ||
		c.textSize() > slab.MaxText || c.flow.Peer != nil {
		return false
	}
	return !slices.ContainsFunc(c.branches, func(b *branch) bool {
		return b.state == branchResolving || b.resp != nil || b.fault != nil ||
			!c.answered && b.mayMove()
	})
}

// forget drops what is of no use any more when a final response went upstream.
func (c *responseContext) forget() {
	for _, b := range c.branches {
		c.p.putMessage(b.resp)
		b.resp, b.fault = nil, nil
	}
	clear(c.later)
	c.later, c.ways = c.later[:0], nil
}

func (c *responseContext) textSize() int {
	return len(c.token) + len(c.raw) + len(c.received) + len(c.auth) + len(c.rrParams)
}

// layText keeps the text of a context that rests: the request until it is answered, the rest
// for reply routes.
func (c *responseContext) layText(sh *shard, r *record) {
	switch {
	case c.answered && c.set.ReplyAll == nil && c.hooks.Reply == nil:
		sh.Texts.Free(&r.text)
		r.raw, r.received, r.auth = 0, 0, 0
		return
	case !c.loaded, !c.changed && !c.answered:
		return
	case c.answered:
		c.raw = c.raw[:0]
	}
	sh.Texts.Free(&r.text)
	var b []byte
	r.text, b = sh.Texts.Take(c.textSize())
	b = b[copy(b, c.token[:]):]
	b = b[copy(b, c.raw):]
	b = b[copy(b, c.received):]
	b = b[copy(b, c.auth):]
	copy(b, c.rrParams)
	r.raw, r.received, r.auth = uint32(len(c.raw)), uint32(len(c.received)), uint32(len(c.auth))
}

// load reads the text of a context that was woken.
func (c *responseContext) load() {
	if c.loaded {
		return
	}
	c.loaded = true
	sh, st := c.p.contexts.seats.Lock(c.word)
	defer sh.Unlock()
	r := &st.Rest
	b := sh.Texts.Bytes(r.text)
	if b == nil {
		return
	}
	b = b[copy(c.token[:], b):]
	c.raw = append(c.raw[:0], b[:r.raw]...)
	b = c.keep(b[r.raw:])
	c.received = b[:r.received:r.received]
	c.auth, c.rrParams = b[r.received:][:r.auth:r.auth], b[r.received+r.auth:]
}
