package identity

import (
	"bytes"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// ReplyTarget is where responses to a request go that came on f and whose
// top Via was marked, RFC 3261 §18.2.2 with RFC 3581: over a reliable
// transport the same connection, and when that is gone the source address
// and the port of sent-by; over UDP the source address, and its port if rport
// was asked for, else that of sent-by. A maddr is the sender's word and is
// not followed.
func ReplyTarget(f transport.Flow, m *sip.Message) transport.Target {
	t := f.Target()
	v, ok := m.TopVia()
	if !ok || !f.Transport.Reliable() && v.HasRPort {
		return t
	}
	t.Remote = AddrPort(f.Remote.Addr(), PortOr(v.Port, f.Transport))
	t.NoDial = f.Transport == sip.WS || f.Transport == sip.WSS
	if f.Peer != nil && !t.NoDial {
		t.Name = proved(f.Peer, v.Host)
	}
	return t
}

// proved is the name that a peer has to prove once more, if a response needs another connection:
// his sent-by, where he proved to be that, else the first that he did. None: he proves his address.
func proved(p *transport.Peer, sentBy []byte) (name sip.HostName) {
	for _, domain := range p.Domains {
		switch {
		case bytes.EqualFold([]byte(domain), sentBy):
			return sip.NewHostName(domain)
		case name == sip.HostName{} && domain != "" && domain[0] != '*': // RFC 5922 §7.2
			name = sip.NewHostName(domain)
		}
	}
	return name
}
