package proxy

import (
	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/router/stateless"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// Forward sends the request on without state, RFC 3261 §16.11. to and by are
// as in Hooks, and onError runs instead when nothing could be sent for a local
// reason. A request that has a transaction is relayed.
func (p *Proxy) Forward(
	j *job.Job, to []byte, by nexthop.Trust, onError job.Route,
) job.Verdict {
	if j.Word != 0 {
		return p.Relay(j, &Hooks{To: to, By: by, OnError: onError})
	}
	flow := false
	if to == nil {
		t := j.Aim()
		to, by = nexthop.Chosen(j.Msg, &t, j.Verified)
		flow = t.Flow
	}
	t, f := p.admit(j)
	if f != nil {
		return p.refuse(j, f)
	}
	return p.stateless.Forward(j, &p.settings.Load().stateless, stateless.Request{
		Token: t, To: to, By: by, Flow: flow, OnError: onError,
	})
}

// relayACK sends an ACK on. It needs a reason to be passed: a Route of its
// dialog, or a target that is the policy's or its own domain's.
func (p *Proxy) relayACK(j *job.Job, h *Hooks) job.Verdict {
	if !j.Verified && !(h.To != nil && h.By == nexthop.Own) && !identity.LocalTarget(j) {
		p.stats.droppedACKs.Add(1)
		j.Answered = true
		return job.Done
	}
	return p.Forward(j, h.To, h.By, h.OnError)
}

// Stray forwards a response without state, RFC 3261 §16.11. Only a response to
// a request that was forwarded without state passes.
func (p *Proxy) Stray(f transport.Flow, m *sip.Message) {
	p.stateless.Response(&p.settings.Load().stateless, f, m)
}
