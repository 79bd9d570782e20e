package stream

import (
	"bytes"
	"cmp"
	"net/netip"

	"sipedge/sip"
)

// proven is what a connection may be whose peer showed a certificate.
type proven interface {
	// Is reports whether he would do for name, or without one for address, had we called him.
	Is(name sip.HostName, address netip.Addr) bool
}

// maxAliases bounds the names of a certificate that lead to the connection of its owner.
const maxAliases = 16

// alias has requests for who is at the other end go over a connection that he opened to us, once a
// request asks for it with the Via parameter alias, RFC 5923 §8: those to the address he came from,
// with the port of his sent-by, for names that his certificate is of. Without a certificate
// that was verified, the parameter says nothing.
func (c *conn) alias(b []byte) {
	peer, ok := c.nc.(proven)
	if c.aliased || c.flow.Peer == nil || !c.from.IsValid() || !ok {
		return
	}
	port := aliasPort(b, c.flow.Transport)
	if port == 0 {
		return
	}
	c.aliased = true
	names := c.flow.Peer.Domains
	names = names[:min(len(names), maxAliases)]
	remote := netip.AddrPortFrom(c.from, port)
	var leads []place
	for _, n := range append([]string{""}, names...) { // "": by the address alone
		if name := sip.NewHostName(n); peer.Is(name, c.from) {
			leads = append(leads, place{remote, name})
		}
	}
	if c.s.lead(c, leads) {
		c.s.env.Stats.Aliased.Add(1)
	}
}

// aliasPort is the port of the sent-by of a request that asks for an alias; 0: it does not. Only a
// message that seems to is parsed for it.
func aliasPort(b []byte, t sip.Transport) uint16 {
	if !mayAsk(b) {
		return 0
	}
	var m sip.Message
	if m.Parse(b) != nil || !m.IsRequest() {
		return 0
	}
	v, ok := m.TopVia()
	if !ok || v.Transport != t {
		return 0
	}
	if _, asked := sip.Param(v.Params, "alias"); !asked {
		return 0
	}
	return cmp.Or(v.Port, t.DefaultPort())
}

// mayAsk reports whether the first Via of a message, with the lines that it goes on in, has the
// word alias in it.
func mayAsk(b []byte) bool {
	word, via := []byte("alias"), false
	for line := range bytes.Lines(b) {
		name, _, named := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		switch goesOn := line[0] == ' ' || line[0] == '\t'; {
		case via && !goesOn:
			return false
		case !via && len(bytes.TrimRight(line, "\r\n")) == 0:
			return false
		case !goesOn && named:
			via = bytes.EqualFold(name, []byte("via")) || bytes.EqualFold(name, []byte("v"))
		}
		for i := 0; via && i+len(word) <= len(line); i++ {
			if bytes.EqualFold(line[i:i+len(word)], word) {
				return true
			}
		}
	}
	return false
}

// lead has a connection found by where it leads, before those found so far. It reports
// whether it leads anywhere.
func (s *Socket) lead(c *conn, to []place) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns[c.flow.Conn] != c {
		return false // it has ended
	}
	for _, p := range to {
		s.leading[p] = c
	}
	c.leads = append(c.leads, to...)
	return len(to) > 0
}
