package proxy

import (
	"sipedge/router/fault"
	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/sip"
)

// admit does what RFC 3261 §16.3 asks of a request that is to be forwarded,
// and returns the token of its branches. Steps 1, 5 and 6 are the parser's
// and the policy's.
func (p *Proxy) admit(j *job.Job) (identity.Token, *fault.Fault) {
	m := j.Msg
	u, ok := m.RequestURI()
	if !ok {
		return identity.Token{}, fault.URI
	}
	if u.Scheme == sip.SchemeOther {
		return identity.Token{}, fault.Scheme
	}
	if n, ok := m.MaxForwards(); ok && n == 0 {
		p.stats.tooManyHops.Add(1)
		return identity.Token{}, fault.Hops
	}
	t, looped := p.own.Token(j)
	if looped {
		p.stats.loops.Add(1)
		return t, fault.Loop
	}
	switch {
	case m.Method() == sip.ACK, m.Method() == sip.CANCEL: // go where their INVITE went
	case m.Has(sip.ProxyRequire):
		return t, fault.Require
	case identity.Breadth(m) == 0:
		return t, fault.Breadth
	}
	j.Admitted = true
	return t, nil
}

// prepare makes the edits every branch shares: Routes to us that no
// loose_route took are taken (§16.4), Max-Forwards is lowered (§16.6 step 3).
func prepare(j *job.Job, s *Settings) {
	identity.TakeRoutes(s.Self, j.Msg)
	identity.LowerMaxForwards(j.Msg, s.MaxForwards)
}

// appendFaultExtra appends the header lines that go with a refusal of m.
func (p *Proxy) appendFaultExtra(dst []byte, m *sip.Message, f *fault.Fault) []byte {
	if f.Retry {
		dst = append(dst, p.settings.Load().RetryAfter...)
	}
	if f.Status == 420 {
		for i := m.First(sip.ProxyRequire); i >= 0; i = m.Next(i) {
			dst = sip.AppendHeaderLine(dst, sip.Unsupported, m.Value(i))
		}
	}
	return dst
}

// refuse answers a request with a fault of its own.
func (p *Proxy) refuse(j *job.Job, f *fault.Fault) job.Verdict {
	p.stats.refused.Add(1)
	j.LastError = f.Status
	sc := p.getScratch()
	sc.value = p.appendFaultExtra(sc.value[:0], j.Msg, f)
	v := p.Reply(j, f.Status, f.Reason, sc.value, false)
	p.putScratch(sc)
	return v
}
