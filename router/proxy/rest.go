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
	text     slab.Piece // raw, token, received, auth, rrParams, in this order
	raw      uint32     // bytes of text that are
	received uint32     // bytes of text that are
	auth     uint32     // bytes of text that are
	token    uint8      // bytes of text that are
	n        uint8      // branches
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
	c.has(sh.Texts.Bytes(r.text), int(r.raw), int(r.token), int(r.received), int(r.auth))
	for i := range r.n {
		c.addBranch().branchState = r.branches[i]
	}
}

// rest lays the context down in its seat. False: it cannot.
func (c *responseContext) rest(sh *shard, st *seat) bool {
	if c.answered {
		c.forget()
	}
	r := &st.Rest
	if !c.canRest() || len(c.raw) > 0 && r.text == (slab.Piece{}) {
		return false
	}
	r.state, r.flow, r.n = c.state, c.p.contexts.packer.PackFlow(c.flow), uint8(len(c.branches))
	for i, b := range c.branches {
		r.branches[i] = b.branchState
	}
	r.tune = sh.Values.Keep(r.tune, c.tune())
	if c.answered {
		c.trim(sh, r)
	}
	sh.Dismiss(st)
	return true
}

// canRest: what only events under way need, or is rare, keeps a context awake.
func (c *responseContext) canRest() bool {
	if c.postponed || len(c.branches) > restBranches || len(c.queue) > 0 || c.trace != nil ||
		!c.avp.Empty() || len(c.later) > 0 || c.flow.Peer != nil {
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

// The text of a context is the request, frozen, and what goes with it. It is in a piece of its
// shard from the first freeze on, where rest and rise find it. Only one that is too large for a
// piece is a slice, whose context stays awake.

// lay writes a new text with m for the request, with its body or without.
func (c *responseContext) lay(m *sip.Message, whole bool) {
	raw, appendTo := m.WireLen(), m.AppendTo
	if !whole {
		raw, appendTo = raw-len(m.Body()), m.AppendHead
	}
	sh, st := c.p.contexts.seats.Lock(c.word)
	r := &st.Rest
	sh.Texts.Free(&c.past)
	c.past, r.text = r.text, slab.Piece{}
	b := c.room(sh, r, raw)
	sh.Unlock()
	c.write(appendTo(b[:0]))
}

// room is that of a text with so many bytes of a request.
func (c *responseContext) room(sh *shard, r *record, raw int) (b []byte) {
	token, received, auth := len(c.token), len(c.received), len(c.auth)
	r.token, r.raw, r.received, r.auth = uint8(token), uint32(raw), uint32(received), uint32(auth)
	size := raw + token + received + auth + len(c.rrParams)
	if size > slab.MaxText {
		return make([]byte, size)
	}
	r.text, b = sh.Texts.Take(size)
	return b
}

// write writes the rest of a text behind its request.
func (c *responseContext) write(raw []byte) {
	b := append(raw, c.token...)
	b = append(b, c.received...)
	b = append(b, c.auth...)
	b = append(b, c.rrParams...)
	c.has(b, len(raw), len(c.token), len(c.received), len(c.auth))
}

// has takes the text b apart.
func (c *responseContext) has(b []byte, raw, token, received, auth int) {
	part := func(n int) (p []byte) {
		p, b = b[:n:n], b[n:]
		return p
	}
	c.raw, c.token, c.received, c.auth = part(raw), part(token), part(received), part(auth)
	c.rrParams = part(len(b))
}

// trim drops what of the text is of no use when a final response went upstream: all, but for what
// reply routes may ask for.
func (c *responseContext) trim(sh *shard, r *record) {
	if c.set.ReplyAll == nil && c.hooks.Reply == nil {
		sh.Texts.Free(&r.text)
		r.raw, r.token, r.received, r.auth = 0, 0, 0, 0
		return
	}
	if r.raw > 0 {
		old := r.text
		c.write(c.room(sh, r, 0)[:0])
		sh.Texts.Free(&old)
	}
}
