package sip

import (
	"net/netip"
	"strconv"
)

// MarkReceived adds what a server adds to the top Via of a request it
// received: received when the source address is not the sent-by host
// (RFC 3261 §18.2.1) or rport was asked for, and the value of rport
// (RFC 3581 §4). A received or rport value the sender wrote is replaced.
// force acts as if rport had been asked for.
func (m *Message) MarkReceived(src netip.AddrPort, force bool) {
	v, ok := m.TopVia()
	if !ok || !src.IsValid() {
		return
	}
	addr := src.Addr().Unmap().WithZone("")
	rport := force || v.HasRPort
	received := rport || !sameAddr(v.Host, addr)
	if !received && v.Received == nil {
		return
	}
	i, n := int(v.Element.field), len(m.text)
	old := m.bytes(m.fields[i].line)
	end := int(v.Element.end())
	params := end - len(v.Params)
	a, b := v.received, v.rport
	if b.to < a.to { // one that is not there is the first
		a, b = b, a
	}
	t, from := m.text, 0
	if a.to > 0 {
		t = append(t, old[:params+int(a.from)]...)
		from = params + int(a.to)
	}
	t = append(t, old[from:params+int(b.from)]...)
	t = append(t, old[params+int(b.to):end]...)
	if received {
		t = append(t, ";received="...)
		t = addr.AppendTo(t)
	}
	if rport {
		t = append(t, ";rport="...)
		t = strconv.AppendUint(t, uint64(src.Port()), 10)
	}
	m.text = append(t, old[end:]...)
	m.replaced(i, n)
}

func sameAddr(host []byte, addr netip.Addr) bool {
	a, ok := ParseAddr(host)
	return ok && a.Unmap() == addr
}
