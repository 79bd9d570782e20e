package transaction

import (
	"errors"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// Server is a handle to a server transaction, RFC 3261 §17.2. It is a
// comparable value; the zero value is none. A stale one gives ErrGone.
type Server struct{ h uint64 }

// Client is a handle to a client transaction, RFC 3261 §17.1; as Server.
type Client struct{ h uint64 }

func (s Server) IsZero() bool { return s.h == 0 }
func (c Client) IsZero() bool { return c.h == 0 }

var (
	ErrGone      = errors.New("no such transaction any more")
	ErrFull      = errors.New("too many transactions")
	ErrTimeout   = errors.New("no response")               // timer B or F
	ErrTimerC    = errors.New("no final response in time") // Timer C
	ErrTransport = errors.New("could not be sent")
)

// User is the transaction user, RFC 3261 §5. Calls come on the goroutine that received the message or advanced the
// time, with no lock held; m is valid until the call returns.
type User interface {
	// Request: a new request; no transaction exists yet. Also an ACK (to a 2xx) or CANCEL that matches none.
	Request(f transport.Flow, m *sip.Message)
	// Cancelled: a CANCEL matched the INVITE transaction s, and was answered 200 by the layer.
	Cancelled(s Server, word uint64, m *sip.Message)
	// Response to a client transaction; word is its Options.Word. m nil: err ended it (ErrTimeout, ErrTimerC – which has
	// not ended it: the user cancels –, ErrTransport). Every 1xx but retransmissions, the final, and every further 2xx.
	Response(c Client, word uint64, f transport.Flow, m *sip.Message, err error)
	// Stray: a response that matches nothing.
	Stray(f transport.Flow, m *sip.Message)
	// Ended: s has left memory; word may be reused.
	Ended(s Server, word uint64)
}

// Timers of RFC 3261 §17 and RFC 6026. Zero fields take the RFC's values.
type Timers struct{ T1, T2, T4 time.Duration }

// Config of a Layer.
type Config struct {
	Sender transport.Sender
	User   User
	Clock  func() time.Time
	// Wake is called when a deadline earlier than the one Advance last returned was armed. It must not block.
	Wake   func(at time.Time)
	Timers Timers
	Secret [16]byte // seeds hashes and what makes a branch unguessable
	Max    int      // live transactions at most; 0: a million
}

// Layer holds all transactions. All methods are safe for concurrent use. It starts no goroutine: time comes in by Advance.
type Layer struct{ cfg Config }

func New(cfg Config) *Layer { return &Layer{cfg: cfg} }

// Advance fires every timer due at now and returns the next deadline, zero when nothing is armed.
// The owner calls it then, traffic or not. Resolution is 10 ms.
func (l *Layer) Advance(now time.Time) (next time.Time) { panic("contract") }

// Receive takes a parsed message. Retransmissions are absorbed and answered here, and so are ACK to a non-2xx
// and CANCEL of a known INVITE; everything else goes to the User. The top Via of a request has been marked (MarkReceived).
func (l *Layer) Receive(f transport.Flow, m *sip.Message) { panic("contract") }

// Accept makes the server transaction for a new request (not ACK). Responses go to reply. word comes back in Cancelled and Ended.
// A retransmission that raced gives the existing handle and ErrExists.
func (l *Layer) Accept(f transport.Flow, m *sip.Message, reply transport.Target, word uint64) (Server, error) {
	panic("contract")
}

// ErrExists: Accept found the transaction already there.
var ErrExists = errors.New("transaction exists")

// Reply sends a response of that status on the server transaction; b is the whole message. A 2xx to INVITE may be sent again
// (RFC 6026); anything else after a final gives ErrGone and is not sent. Finals other than 2xx to INVITE are retransmitted.
func (l *Layer) Reply(s Server, status int, b []byte) error { panic("contract") }

// Options of a client transaction.
type Options struct {
	Word       uint64
	FinalWait  time.Duration // timer B or F (fr_timer); 0: 64·T1
	InviteWait time.Duration // Timer C from the first 1xx, restarted by 101–199 (fr_inv_timer); 0: none
}

// Branch makes the handle of a client transaction to be and appends its branch parameter value to dst: the magic cookie, the handle with a keyed
// check, then loop (the caller's loop-detection part, RFC 3261 §16.6 step 8, token characters only). The caller writes it into the Via of the request that
// it then gives to Send; Abandon frees a handle that will not be used.
func (l *Layer) Branch(dst []byte, loop []byte) (Client, []byte, error) { panic("contract") }
func (l *Layer) Abandon(c Client)                                       { panic("contract") }

// Send starts the client transaction c with the request b (its top Via carries c's branch) to t. b is copied into the retransmission buffer, from which ACK and
// CANCEL are derived. An error means the transaction ended; Response is then not called.
func (l *Layer) Send(c Client, method sip.Method, t transport.Target, b []byte, o Options) error {
	panic("contract")
}

// Cancel asks for the CANCEL of an INVITE client transaction, RFC 3261 §9.1: now if a 1xx came, else with the first 1xx; nothing after a final.
// extra are whole header lines for it (Reason) or nil. The transaction goes on until its final or, 64·T1 after the CANCEL left, ErrTimeout.
func (l *Layer) Cancel(c Client, extra []byte) error { panic("contract") }

// TransportFailed is transport.User's Failed for a ref this layer gave to Send: the transaction ends with ErrTransport.
func (l *Layer) TransportFailed(ref uint64, err error) { panic("contract") }

// Stats are counters since the start; Live is now.
type Stats struct {
	Servers, Clients         uint64 // created
	LiveServers, LiveClients int64
	Retransmissions          uint64 // sent by us, requests and responses
	Absorbed                 uint64 // retransmissions received
	Timeouts                 uint64 // B, F, H
}

func (l *Layer) Stats() Stats { panic("contract") }
