package transport

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"syscall"
	"time"

	"sipedge/sip"
)

// Flow says where a message came from and by what: enough to answer on it.
// It is a comparable value.
type Flow struct {
	Transport sip.Transport
	// Listener is the index into Listeners of what received it; of a connection
	// we opened, of the one whose identity it bears.
	Listener uint16
	Conn     uint64 // identity of the connection, never used twice; 0: none (UDP)
	// Local is where it came to: of a wildcard listener the address the peer sent to, where
	// the system tells.
	Local  netip.AddrPort
	Remote netip.AddrPort
	// Peer is who is at the other end, where he proved it; nil: nobody in particular.
	Peer *Peer
	// Backlog is how full the system's queue behind it was, in percent; 0: not worth a
	// look, or the system does not tell.
	Backlog uint8
}

// Target answers on the flow, from the address it came to.
func (f Flow) Target() Target {
	return Target{
		Transport: f.Transport, Listener: f.Listener, Conn: f.Conn, Remote: f.Remote,
		Local: f.Local.Addr(),
	}
}

// AnyListener in a Target lets the sender choose by transport and address family.
const AnyListener = 0xFFFF

// Target says where a message goes. With Conn set that connection is used while
// it is open; when it is gone, or Conn is 0, a connection to Remote is reused or
// opened. NoDial keeps a closed Conn from being replaced (ErrClosed). Accepted lets a connection
// do that was opened to us from Remote, if nobody has to be there by Name.
type Target struct {
	Transport sip.Transport
	Listener  uint16 // the socket to send from; for streams the identity
	NoDial    bool
	Accepted  bool
	Conn      uint64
	Remote    netip.AddrPort
	// Name is what Remote was found by. Whoever is there proves it, where the transport is
	// secure: a connection is used for the name it was opened for. Without one he proves
	// the address.
	Name sip.HostName
	// Local is the address a datagram leaves from, where the listener is bound to all of the
	// host's. The zero value leaves it to the system.
	Local netip.Addr
}

// Listener is one bound socket and the identity it has in Via, Record-Route and Path.
type Listener struct {
	Transport  sip.Transport
	Addr       netip.AddrPort // bound, port filled in
	Advertised string         // host, or host:port, to write instead of Addr; "" none
	DSCP       uint8          // code point of what it sends, RFC 2474; 0: the system's choice
	// Proxies are whose connections begin with a PROXY header, which says for which client
	// they are.
	Proxies   []netip.Prefix
	WebSocket *WebSocket // of WS and WSS; nil: as its zero value
	// Credentials are what it shows of itself and asks of others; nil where the transport
	// is not secure.
	Credentials Credentials
}

// Bound reports whether there is a listener: a place that is empty has the zero Listener.
func (l *Listener) Bound() bool { return l.Transport != sip.NoTransport }

// Credentials make the settings of secure connections. They may differ from one call to the
// next: what a connection got it keeps, but for its peer, who may cease to be believed.
type Credentials interface {
	// Server is for connections that are accepted. One is enough for the life of a listener.
	Server() *tls.Config
	// Client is for a connection to whoever proves to be name, or, without one, remote. The
	// zero value of both is nobody.
	Client(name sip.HostName, remote netip.Addr) *tls.Config
}

// Peer is who is at the other end of a connection, as a certificate says that was verified.
// It is never changed.
type Peer struct {
	SAN         []string // subjectAltName: URIs, names and addresses as written
	Domains     []string // of these the SIP domains, RFC 5922 §7.1, lower case
	Subject     string   // as RFC 2253 writes it
	Issuer      string
	Serial      string // hexadecimal, lower case
	Fingerprint string // SHA-256 of the certificate, hexadecimal, lower case
}

// WebSocket is what a listener answers with a WebSocket.
type WebSocket struct {
	Path string // "": /
	// Origins are those whose pages are let in, as browsers write them: https://example.net; *
	// lets in all. Empty: the origin that is this listener, as the client names it.
	Origins []string
	// Ping is how long nothing comes before the client is pinged, RFC 6455 §5.5.2; 0: never. After
	// Lost pings in a row without anything from him the connection ends.
	Ping time.Duration
	Lost int
}

// User gets every message and every failure. Receive must not block; b is valid until it
// returns. Receive runs on the goroutine that read the message; several may run at once.
type User interface {
	Receive(f Flow, b []byte)
	// Failed: what Send accepted under ref (not 0) did not leave. Never called from inside Send.
	Failed(f Flow, ref uint64, err error)
	// Closed: a connection ended.
	Closed(f Flow)
}

// Unframed is what a User may be too. A stream brought a SIP header section, but no message can be
// taken from it: err is ErrTooLarge (above Limits.Message), or the *sip.ParseError about its
// length. header ends with the empty line and is enough to answer 513 or 400. What is sent on
// f before Unframed returns still leaves; then the connection is closed.
type Unframed interface {
	Unframed(f Flow, header []byte, err error)
}

// Holder is what a User may be too. A connection on which nothing came or left for Limits.Idle
// ends, unless Held reports that somebody is to be reached over it: as long as it goes on saying
// nothing, that is asked again, sixteen times within Limits.Idle or every few seconds. Held may be
// called at the same time as the other methods, and must not block.
type Holder interface {
	Held(f Flow) bool
}

// Undelivered is what a User may be too. ICMP said that a datagram which left did not arrive,
// RFC 3261 §18.4: b is its beginning, valid until Undelivered returns; of f only what is ours
// is set. It may be called at the same time as the other methods, never from inside Send.
type Undelivered interface {
	Undelivered(f Flow, b []byte, err error)
}

// Sender is what the upper floors send by: a Manager, or a node of package mem.
type Sender interface {
	// Send never blocks and copies b. Streams queue. A datagram leaves now, and an error is
	// returned, or with the others of the batch whose reader is at work. ref comes back in
	// Failed when a queued message could not leave; 0 asks for no report.
	Send(t Target, b []byte, ref uint64) error
	// Listeners are by the index that flows and targets bear: a place is a listener's for the life
	// of a Sender. One that was removed leaves the zero Listener. Do not change what it returns.
	Listeners() []Listener
	// Choose returns the listener whose transport and family suit remote, or
	// AnyListener when there is none.
	Choose(t sip.Transport, remote netip.Addr) uint16
}

var (
	ErrClosed     = errors.New("connection closed")
	ErrQueueFull  = errors.New("write queue full") // the peer does not read
	ErrNoListener = errors.New("no listener for this transport and family")
	ErrTooLarge   = errors.New("message too large for the transport")
	ErrLimit      = errors.New("too many connections")
)

// Ours reports whether the error of a message that could not be sent comes of the message or of
// what this server has room for. It tells nothing of who was to get it.
func Ours(err error) bool {
	for _, of := range [...]error{
		ErrQueueFull, ErrNoListener, ErrTooLarge, ErrLimit,
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS,
	} {
		if errors.Is(err, of) {
			return true
		}
	}
	return false
}
