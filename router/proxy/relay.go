package proxy

import (
	"cmp"
	"errors"
	"slices"

	"sipedge/router/fault"
	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transaction"
)

// Relay, RFC 3261 §16.2 to §16.6:
//
//  1. the request is admitted, or refused without a transaction
//  2. the server transaction and its context are made, 100 goes to an INVITE
//  3. the edits every branch shares are made and the request is frozen
//  4. the target set is taken, in groups by q if the policy serializes
//  5. each branch: its own copy, branch route, next hop, then it is sent, or
//     waits for the next hop's address
//  6. when no branch is left waiting, the context settles what follows

// Relay forwards the job's target set statefully, RFC 3261 §16.6. It makes
// the server transaction when there is none, and in a failure route adds
// branches to the one there is. An ACK goes out statelessly, and only by a
// verified loose_route or to a local target of the policy; a CANCEL that
// matched nothing gets 481.
func (p *Proxy) Relay(j *job.Job, h *Hooks) job.Verdict {
	switch j.Msg.Method() {
	case sip.ACK:
		return p.relayACK(j, h)
	case sip.CANCEL:
		return p.Reply(j, 481, "", nil, false)
	}
	if c, ok := j.Context.(*responseContext); ok {
		c.relayAgain(j, h)
		j.Answered = true
		return job.Done
	}
	s := p.settings.Load()
	t, f := p.admit(j)
	if f != nil {
		return p.refuse(j, f)
	}
	c, err := p.enter(j, s)
	switch {
	case errors.Is(err, transaction.ErrFull):
		return p.refuse(j, fault.Full)
	case err != nil: // another copy of the request is being dealt with, or it ended
		j.Answered = true
		return job.Done
	}
	defer c.rescue()
	v := job.Done
	if !c.answered {
		p.stats.relayed.Add(1)
		c.token = c.keep(t[:])
		v = c.begin(j, h)
	}
	j.Shared = nil // the context may be another's when it is released
	c.release()
	j.Answered = true
	return v
}

// Accept makes the server transaction of a request and sends 100 to an
// INVITE: what a step does that lets the request wait. False: the request is
// answered or another copy of it is being dealt with, and the run ends.
func (p *Proxy) Accept(j *job.Job) bool {
	if j.Word != 0 || j.Context != nil || j.Msg.Method() == sip.ACK || j.Msg.Method() == sip.CANCEL {
		return true
	}
	c, err := p.enter(j, p.settings.Load())
	switch {
	case errors.Is(err, transaction.ErrFull):
		p.refuse(j, fault.Full)
		return false
	case err != nil:
		j.Answered = true
		return false
	}
	c.freeze(j.Msg, false) // the job has it whole
	c.trying(j.Msg)
	c.release()
	return true
}

var errGone = errors.New("server transaction ended")

// enter returns j's context busy, made with its server transaction if there is none.
func (p *Proxy) enter(j *job.Job, s *Settings) (*responseContext, error) {
	if j.Word != 0 {
		if c := p.acquire(j.Word); c != nil {
			return c, nil
		}
		return nil, errGone
	}
	c := p.contexts.take()
	c.set, c.flow = s, j.Flow
	server, err := p.layer.Accept(j.Flow, j.Msg, identity.ReplyTarget(j.Flow, j.Msg), c.word)
	if err != nil {
		c.ended = true
		c.release()
		return nil, err
	}
	c.server, c.method, c.trace = server, j.Msg.Method(), j.Trace
	j.Server, j.Word = server, c.word
	return c, nil
}

// begin is the first relay of a request.
func (c *responseContext) begin(j *job.Job, h *Hooks) job.Verdict {
	c.caller = j
	j.Share(&c.avp)
	c.trying(j.Msg)
	c.breadth = identity.Breadth(j.Msg)
	c.received, c.size = c.keep(identity.Received(j)), uint32(j.Size)
	prepare(j, c.set)
	c.hooks = Hooks{Branch: h.Branch, Reply: h.Reply}
	c.launchAll(j, h)
	v := c.settle()
	c.caller = nil
	return v
}

// trying sends 100 to an INVITE, once, RFC 3261 §16.2.
func (c *responseContext) trying(m *sip.Message) {
	if c.method == sip.INVITE && !c.tried {
		c.tried = true
		c.respond(m, 100, "", nil)
	}
}

// relayAgain adds branches in a failure route. After a 6xx there are none,
// RFC 3261 §16.7 step 5; nor after a CANCEL or an answer.
func (c *responseContext) relayAgain(j *job.Job, h *Hooks) {
	if c.declined || c.cancelled || c.answered {
		return
	}
	if h.Branch != nil {
		c.hooks.Branch = h.Branch
	}
	if h.Reply != nil {
		c.hooks.Reply = h.Reply
	}
	c.launchAll(j, h)
}

// launchAll starts the branches of one relay from the request as it stands
// in j, which becomes the last branch.
func (c *responseContext) launchAll(j *job.Job, h *Hooks) {
	c.attempt++
	c.hooks.Failure, c.hooks.OnError = h.Failure, h.OnError
	if j.Undo != nil {
		c.hooks.undo, j.Undo = j.Undo, nil
	}
	c.hooks.FinalWait = h.FinalWait
	if h.FinalWait == 0 {
		c.hooks.FinalWait = c.set.FinalWait
	}
	c.hooks.InviteWait = h.InviteWait
	if h.InviteWait == 0 {
		c.hooks.InviteWait = c.set.InviteWait
	}
	c.hooks.Failover = cmp.Or(h.Failover, c.set.Failover)
	c.recordRoute, c.rrParams, c.auth = j.RecordRoute, c.keep(j.RRParams), c.keep(j.Auth)
	c.choice, c.ways = j.Choice, j.Ways
	c.sendSocket, c.direction, c.verified = j.SendSocket, j.Direction, j.Verified
	c.freeze(j.Msg, h.Failure != nil || h.OnError != nil || j.Groups || len(c.later) > 0)

	set := c.targets(j)
	if room := c.set.Branches - len(c.branches); len(set) > room {
		c.p.cfg.Log.Warn("target set cut off", "targets", len(set), "branches", c.set.Branches)
		set = set[:max(room, 0)]
	}
	if len(set) > c.breadth { // RFC 5393 §5.3.3.2
		c.addBranch().fail(fault.Breadth)
		return
	}
	first := len(c.branches)
	for range set {
		c.addBranch()
	}
	for i := range set {
		m := j.Msg
		if i < len(set)-1 {
			m = c.p.copyOf(m)
		}
		share := c.breadth / len(set)
		if i < c.breadth%len(set) {
			share++
		}
		identity.SetBreadth(m, share)
		c.launch(first+i, m, m == j.Msg, h, &set[i])
	}
}

// targets takes the job's target set: the Request-URI and what was appended,
// each once (RFC 3261 §16.5).
// Serialized, it is the members of the highest q, and the rest is kept for
// next_branches.
func (c *responseContext) targets(j *job.Job) []job.Target {
	c.serial = j.Serial
	set := append(c.members[:0], j.Member())
	for i := range j.Targets {
		if t := &j.Targets[i]; !job.Holds(set, t, j.Msg.RURI()) {
			set = append(set, *t)
		}
	}
	c.members = set
	if !j.Groups {
		return set
	}
	slices.SortStableFunc(set, func(a, b job.Target) int { return b.Q - a.Q })
	n := job.FirstGroup(set)
	for _, t := range set[n:] {
		if t.URI == nil {
			t.URI = j.Msg.RURI()
		}
		t.URI, t.NextHop, t.Route = c.keep(t.URI), c.keep(t.NextHop), c.keep(t.Route)
		c.later = append(c.later, t)
	}
	slices.SortStableFunc(c.later, func(a, b job.Target) int { return b.Q - a.Q })
	return set[:n]
}

// NextBranches takes the members of the next lower q, in a failure route:
// one becomes the Request-URI, the others the job's targets. False: there is
// none, or a 6xx forbids to go on. In a request route Relay takes the first
// group by itself, and NextBranches reports whether serialize_branches ran.
func (p *Proxy) NextBranches(j *job.Job) bool {
	c, ok := j.Context.(*responseContext)
	if !ok {
		return j.Groups
	}
	n := job.FirstGroup(c.later)
	if n == 0 || c.declined || c.cancelled {
		return false
	}
	group := c.later[:n]
	j.Own = group[0]
	j.Msg.SetRURI(j.Own.URI)
	j.Targets = append(j.Targets[:0], group[1:]...)
	c.later = slices.Delete(c.later, 0, n)
	return true
}

// nextGroup sends to the members of the next lower q, if the engine goes on by itself.
func (c *responseContext) nextGroup() bool {
	if !c.serial || len(c.later) == 0 {
		return false
	}
	j, h := c.job(schema.InFailure, c.message()), c.hooks
	if j.Serial = c.p.NextBranches(j); j.Serial {
		c.launchAll(j, &h)
	}
	job.Put(j)
	return j.Serial
}

// Room is how many members j's target set may have, the request's own URI included.
func (p *Proxy) Room(j *job.Job) int {
	if c, ok := j.Context.(*responseContext); ok {
		return c.set.Branches - len(c.branches)
	}
	return p.settings.Load().Branches
}

// Append adds a member to the job's target set. False: it would be more
// branches than Settings.Branches.
func (p *Proxy) Append(j *job.Job, t job.Target) bool {
	if 1+len(j.Targets) >= p.Room(j) {
		return false
	}
	j.Targets = append(j.Targets, t)
	return true
}
