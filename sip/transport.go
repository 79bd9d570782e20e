package sip

// Transport is a transport protocol as Via and the transport parameter
// name it, RFC 3261 §25.1, RFC 4168, RFC 7118.
type Transport uint8

const (
	NoTransport Transport = iota // not given, or not known here
	UDP
	TCP
	TLS
	SCTP
	WS
	WSS
)

var transports = [...]struct {
	name, via string
	port      uint16
}{
	NoTransport: {"", "", 5060},
	UDP:         {"udp", "UDP", 5060},
	TCP:         {"tcp", "TCP", 5060},
	TLS:         {"tls", "TLS", 5061},
	SCTP:        {"sctp", "SCTP", 5060},
	WS:          {"ws", "WS", 80},
	WSS:         {"wss", "WSS", 443},
}

// LookupTransport returns the transport of that name, without regard to case.
func LookupTransport(name []byte) Transport {
	for t := UDP; t <= WSS; t++ {
		if string(name) == transports[t].via || equalFold(name, transports[t].via) {
			return t
		}
	}
	return NoTransport
}

// String returns the name in lower case, as policies and URIs write it.
func (t Transport) String() string { return transports[t].name }

// ViaName returns the name in upper case, as Via writes it.
func (t Transport) ViaName() string { return transports[t].via }

// Reliable reports whether the transport delivers by itself, so that no
// request is retransmitted over it, RFC 3261 §17.
func (t Transport) Reliable() bool { return t > UDP }

// DefaultPort is 5060, or 5061 for TLS, RFC 3261 §19.1.2 (80 and 443 for WS and WSS, RFC 7118).
func (t Transport) DefaultPort() uint16 { return transports[t].port }
