package tls

import (
	"cmp"
	"crypto/x509"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sipedge/sip/transport"
)

// peers are the open connections whose peers proved who they are.
type peers struct {
	mu   sync.Mutex
	open map[*secured]*proved
}

// proved is how one did.
type proved struct {
	at  time.Time
	end func(transport.Reason, error)
}

func (p *peers) add(s *secured, how *proved) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open = make(map[*secured]*proved)
	}
	p.open[s] = how
}

func (p *peers) forget(s *secured) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, s)
}

// all are those of now.
func (p *peers) all() map[*secured]*proved {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make(map[*secured]*proved, len(p.open))
	for s, how := range p.open {
		list[s] = how
	}
	return list
}

// Revocable has the connection ended by end, if its peer proved who he is and is not to be believed
// any more: now, if the certificates changed since its handshake began, or by Judge.
func (s *secured) Revocable(end func(transport.Reason, error)) {
	ours, ok := s.ours.(*credentials)
	if !ok || s.peer == nil {
		return
	}
	how := &proved{time.Now(), end}
	ours.store.peers.add(s, how)
	if ours.store.swaps.Load() != s.wire.begun {
		if err := ours.store.doubt(s, how); err != nil {
			how.end(ended[err.Fault], err.Err)
		}
	}
}

// ended is why a connection ends, by what is wrong with its peer. What else may be wrong with him,
// as that his time is over, concerns new connections alone.
var ended = map[transport.Fault]transport.Reason{
	transport.FaultRevoked: transport.EndedRevoked, transport.FaultUnknownCA: transport.EndedUntrusted,
}

// doubt is why a peer is not to be believed any more; nil: he is.
func (s *Store) doubt(c *secured, how *proved) *transport.HandshakeError {
	i := s.identity(c.wire.judge)
	if i == nil { // its listener is about to be closed
		return nil
	}
	chain := c.ConnectionState().PeerCertificates
	err := i.verify(chain, time.Now())
	why, _ := errors.AsType[*transport.HandshakeError](err)
	if why != nil && why.Fault == transport.FaultExpired { // which hides what is wrong besides
		why, _ = errors.AsType[*transport.HandshakeError](i.verify(chain, how.at))
	}
	if why == nil {
		return nil
	}
	if _, ends := ended[why.Fault]; !ends {
		return nil
	}
	return why
}

// Judge ends the connections, of either direction, whose peers showed a certificate that has been
// revoked since, or whose CA is trusted no more. It looks at all of them, and logs a line for
// each certificate.
func (s *Store) Judge(log *slog.Logger) {
	type shown struct{ judge, chain string }
	type verdict struct {
		why   *transport.HandshakeError
		leaf  *x509.Certificate
		count int
	}
	verdicts := make(map[shown]*verdict)
	for c, how := range s.peers.all() {
		chain := c.ConnectionState().PeerCertificates
		leaf, by := chain[0], shown{judge: c.wire.judge}
		for _, cert := range chain {
			by.chain += string(cert.Raw)
		}
		v := verdicts[by]
		if v == nil {
			v = &verdict{why: s.doubt(c, how), leaf: leaf}
			verdicts[by] = v
		}
		if v.why != nil {
			v.count++
			how.end(ended[v.why.Fault], v.why.Err)
		}
	}
	var lines []*verdict
	for _, v := range verdicts {
		if v.why != nil {
			lines = append(lines, v)
		}
	}
	slices.SortFunc(lines, func(a, b *verdict) int {
		return cmp.Or(cmp.Compare(a.leaf.Subject.String(), b.leaf.Subject.String()),
			a.leaf.SerialNumber.Cmp(b.leaf.SerialNumber))
	})
	for _, v := range lines {
		p := peerOf(v.leaf)
		log.Warn("connections ended: the certificate of their peer does not count any more",
			"reason", v.why.Fault.String(), "subject", p.Subject, "issuer", p.Issuer, "serial", p.Serial,
			"san", p.SAN, "connections", v.count)
	}
}
