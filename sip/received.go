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
	e := v.Element
	n := len(m.text)
	old := m.bytes(m.fields[e.field].line)
	t := append(m.text, old[:e.off]...)
	t = append(t, v.trimParams()...)
	t = v.appendOthers(t)
	if received {
		t = append(t, ";received="...)
		t = addr.AppendTo(t)
	}
	if rport {
		t = append(t, ";rport="...)
		t = strconv.AppendUint(t, uint64(src.Port()), 10)
	}
	m.text = append(t, old[e.end():]...)
	m.replaced(int(e.field), n)
}

func sameAddr(host []byte, addr netip.Addr) bool {
	a, ok := ParseAddr(host)
	return ok && a.Unmap() == addr
}

// appendOthers appends the parameters but received and rport.
func (v *ViaValue) appendOthers(t []byte) []byte {
	from := 0
	for _, p := range v.marks {
		if p.to > 0 {
			t = append(t, v.Params[from:p.from]...)
			from = int(p.to)
		}
	}
	return append(t, v.Params[from:]...)
}
