package identity

import (
	"bytes"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// Router is the identity of this router. What changes of it is how listeners are called.
type Router struct {
	keys  keys
	names atomic.Pointer[[]name] // of the listeners, by index
}

// name is how a listener calls itself in messages.
type name struct {
	transport sip.Transport
	addr      netip.AddrPort
	hostport  []byte // as Via and Record-Route write it
	host      []byte // of hostport, without brackets
	port      uint16 // of hostport, 0: none
	via       []byte // Via value up to the branch
	uri       []byte // of where it is bound
}

// New makes the identity of a router with these listeners. Routers with the
// same secret know each other's tags and branches.
func New(listeners []transport.Listener, secret []byte) *Router {
	r := &Router{keys: deriveKeys(secret)}
	r.SetListeners(listeners)
	return r
}

// SetListeners has the listeners be others, before a message comes or leaves by one that is new.
// Who has just chosen one that is not there any more can still write its name.
func (r *Router) SetListeners(listeners []transport.Listener) {
	names, before := make([]name, len(listeners)), r.names.Load()
	for i := range listeners {
		if l := &listeners[i]; l.Bound() {
			names[i] = nameOf(l)
		} else if before != nil && i < len(*before) {
			names[i] = (*before)[i]
			names[i].transport, names[i].addr = sip.NoTransport, netip.AddrPort{}
		}
	}
	r.names.Store(&names)
}

// name is how a listener is called.
func (r *Router) name(listener uint16) *name { return &(*r.names.Load())[listener] }

func nameOf(l *transport.Listener) name {
	text := l.Advertised
	if text == "" {
		addr := specific(l.Addr.Addr()).Unmap().WithZone("") // a zone means nothing elsewhere
		text = netip.AddrPortFrom(addr, l.Addr.Port()).String()
	}
	if _, ok := sip.ParseAddr([]byte(text)); ok {
		text = string(sip.AppendHost(nil, []byte(text)))
	}
	host, port := splitHostPort(text)
	reuse := ""
	if l.Transport == sip.TLS {
		reuse = ";alias" // RFC 5923: what we connect to, we show our certificate
	}
	return name{
		transport: l.Transport,
		addr:      l.Addr,
		hostport:  []byte(text),
		host:      []byte(host),
		port:      port,
		via:       []byte("SIP/2.0/" + l.Transport.ViaName() + " " + text + reuse + ";branch="),
		uri:       []byte("sip:" + l.Addr.String() + ";transport=" + l.Transport.String()),
	}
}

// specific is an address of this machine to write for one that stands for all
// of its family: the first that others can reach, if there is one.
func specific(a netip.Addr) netip.Addr {
	if !a.IsUnspecified() {
		return a
	}
	best := a
	list, _ := net.InterfaceAddrs() // none: a peer answers to the source address
	for _, n := range list {
		p, err := netip.ParsePrefix(n.String())
		if err != nil || p.Addr().Is4() != a.Is4() || p.Addr().IsLinkLocalUnicast() {
			continue
		}
		if !p.Addr().IsLoopback() {
			return p.Addr()
		}
		best = p.Addr()
	}
	return best
}

// splitHostPort splits host, host:port, [v6] and [v6]:port; 0: no port.
func splitHostPort(s string) (host string, port uint16) {
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		return strings.Trim(s, "[]"), 0
	}
	n, _ := strconv.ParseUint(text, 10, 16)
	return host, uint16(n)
}

// AppendVia appends the Via value of a listener up to and with "branch=".
func (r *Router) AppendVia(dst []byte, listener uint16) []byte {
	return append(dst, r.name(listener).via...)
}

// listenerOf finds the listener a URI of ours names, or AnyListener.
func (r *Router) listenerOf(u *sip.URI) uint16 {
	t := TransportOf(u)
	names := *r.names.Load()
	for i := range names {
		n := &names[i]
		if n.transport == t && bytes.EqualFold(n.host, u.Host) &&
			PortOr(n.port, t) == PortOr(u.Port, t) {
			return uint16(i)
		}
	}
	return transport.AnyListener
}

// PortOr is port, or the transport's default for 0.
func PortOr(port uint16, t sip.Transport) uint16 {
	if port == 0 {
		return t.DefaultPort()
	}
	return port
}

// TransportOf is the transport of a numeric URI, RFC 3263 §4.1; NoTransport:
// sips over what is never secure.
func TransportOf(u *sip.URI) sip.Transport {
	t := u.Transport()
	if u.Scheme == sip.SIPS {
		switch t {
		case sip.NoTransport, sip.TCP:
			return sip.TLS
		case sip.WS:
			return sip.WSS
		case sip.UDP, sip.SCTP:
			return sip.NoTransport
		}
		return t
	}
	if t == sip.NoTransport {
		return sip.UDP
	}
	return t
}

// AddrPort joins an address, IPv4 never mapped, and a port.
func AddrPort(a netip.Addr, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(a.Unmap(), port)
}
