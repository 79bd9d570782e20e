package proxy

import (
	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// sent tells the trace of a request what leaves on its behalf. A nil trace is
// told nothing.
func (p *Proxy) sent(t *job.Trace, to transport.Target, b []byte) {
	if t != nil {
		t.Sent(p.cfg.Clock(), to, b)
	}
}

// received tells the trace of a request of a response.
func (p *Proxy) received(t *job.Trace, f transport.Flow, m *sip.Message) {
	if t != nil {
		t.Received(p.cfg.Clock(), f, m)
	}
}

// refused tells the trace of a request why it is refused.
func (p *Proxy) refused(t *job.Trace, why string) {
	if t != nil {
		t.Refused(p.cfg.Clock(), why)
	}
}
