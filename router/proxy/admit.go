package proxy

import (
	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/sip"
)

// admit does what RFC 3261 §16.3 asks of a request that is to be forwarded,
// and returns the token of its branches. Steps 1, 5 and 6 are the parser's
// and the policy's.
func (p *Proxy) admit(j *job.Job) (identity.Token, *fault) {
	m := j.Msg
	u, ok := m.RequestURI()
	if !ok {
		return identity.Token{}, faultURI
	}
	if u.Scheme == sip.SchemeOther {
		return identity.Token{}, faultScheme
	}
	if n, ok := m.MaxForwards(); ok && n == 0 {
		p.stats.tooManyHops.Add(1)
		return identity.Token{}, faultHops
	}
	t, looped := p.own.Token(j)
	if looped {
		p.stats.loops.Add(1)
		return t, faultLoop
	}
	switch {
	case m.Method() == sip.ACK, m.Method() == sip.CANCEL: // go where their INVITE went
	case m.Has(sip.ProxyRequire):
		return t, faultRequire
	case identity.Breadth(m) == 0:
		return t, faultBreadth
	}
	return t, nil
}

// prepare makes the edits every branch shares: Routes to us that no
// loose_route took are taken (§16.4), Max-Forwards is lowered (§16.6 step 3).
func prepare(j *job.Job, s *Settings) {
	identity.TakeRoutes(s.Self, j.Msg)
	identity.LowerMaxForwards(j.Msg, s.MaxForwards)
}

// appendFaultExtra appends the header lines that go with a refusal of m.
func (p *Proxy) appendFaultExtra(dst []byte, m *sip.Message, f *fault) []byte {
	if f.retry {
		dst = append(dst, p.settings.Load().RetryAfter...)
	}
	if f.status == 420 {
		for i := m.First(sip.ProxyRequire); i >= 0; i = m.Next(i) {
			dst = sip.AppendHeaderLine(dst, sip.Unsupported, m.Value(i))
		}
	}
	return dst
}

// refuse answers a request with a fault of its own.
func (p *Proxy) refuse(j *job.Job, f *fault) job.Verdict {
	p.stats.refused.Add(1)
	j.LastError = f.status
	sc := p.getScratch()
	sc.value = p.appendFaultExtra(sc.value[:0], j.Msg, f)
	v := p.Reply(j, f.status, f.reason, sc.value, false)
	p.putScratch(sc)
	return v
}
