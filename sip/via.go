package sip

import "net/netip"

// ViaValue is one Via element, RFC 3261 §20.42. Slices are views.
type ViaValue struct {
	Element   Element
	Transport Transport // NoTransport: a name not known here
	Protocol  []byte    // the transport's name as written
	Host      []byte    // sent-by host; brackets of an IPv6 reference kept off
	Port      uint16    // 0: none
	Branch    []byte    // nil: none
	Received  []byte    // value, nil: none
	RPort     uint16    // value, 0: none
	HasRPort  bool      // the parameter is there, with or without value (RFC 3581)
	MAddr     []byte
	TTL       []byte
	Params    []byte // from the first ';' on
}

// MagicCookie begins the branch of every RFC 3261 transaction, §8.1.1.7.
const MagicCookie = "z9hG4bK"

// RFC3261 reports whether the branch has the magic cookie and something behind it.
func (v *ViaValue) RFC3261() bool { panic("contract") }

// ParseVia reads one Via element.
func ParseVia(b []byte) (ViaValue, error) { panic("contract") }

// MarkReceived adds what a server adds to the top Via of a request it
// received: received when the source address is not the sent-by host
// (RFC 3261 §18.2.1) or rport was asked for, and the value of rport
// (RFC 3581 §4). A received or rport value the sender wrote is replaced.
// force acts as if rport had been asked for.
func (m *Message) MarkReceived(src netip.AddrPort, force bool) { panic("contract") }
