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

// User is the transaction user, RFC 3261 §5. Calls come on the goroutine that
// received the message, advanced the time or reported a failure, never from
// inside Branch, Send, Cancel, Abandon, Accept, Reply or Drop; no lock is
// held. m is valid until the call returns.
type User interface {
	// Request: a new request; no transaction exists yet. Also an ACK (to a
	// 2xx) or CANCEL that matches none.
	Request(f transport.Flow, m *sip.Message)
	// Cancelled: a CANCEL matched the INVITE transaction s, which has no final
	// response yet, and was answered 200 by the layer. Once.
	Cancelled(s Server, word uint64, m *sip.Message)
	// Response to a client transaction; word is its Options.Word. m nil: err
	// ended it (ErrTimeout, ErrTimerC – which has not ended it: the user
	// cancels –, ErrTransport with what Sender said), and f is what it was sent
	// by. Every 1xx but retransmissions, the final, and every further 2xx.
	Response(c Client, word uint64, f transport.Flow, m *sip.Message, err error)
	// Stray: a response that matches nothing. RFC 6026 §7.3: it is not
	// forwarded.
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
	// Wake is called when a deadline earlier than the one Advance last
	// returned was armed. It must not block. It may be nil.
	Wake   func(at time.Time)
	Watch  Watch // of client transactions with a Mark; nil: there are none
	Timers Timers
	Secret [16]byte // seeds hashes and what makes a branch unguessable
	Max    int      // live transactions at most; 0: a million
}

// ErrExists: Accept found the transaction already there.
var ErrExists = errors.New("transaction exists")

// Watch is told of client transactions that were sent with a Mark: of each once that it began, of
// its first response, provisional or final, at which time and how long after the request that came,
// and once of its final response, or with m nil why there is none. It must not block, and keeps
// nothing of m.
type Watch interface {
	Began(mark uint32, method sip.Method)
	Answered(mark uint32, status int, at time.Time, after time.Duration)
	Ended(mark uint32, method sip.Method, m *sip.Message, err error)
}

// Options of a client transaction.
type Options struct {
	Word uint64
	Mark uint32 // for Watch; 0: it is not told
	// FinalWait is timer B or F (fr_timer); 0: 64·T1.
	FinalWait time.Duration
	// InviteWait is Timer C, from the first 1xx, restarted by 101–199
	// (fr_inv_timer); 0: none. Not cancelled, it fires again every InviteWait.
	InviteWait time.Duration
	Aside      bool // Stats.Unanswered does without it
}

// Stats are counters since the start; Live is now.
type Stats struct {
	Servers, Clients         uint64 // created
	LiveServers, LiveClients int64
	Unanswered               int64  // of these, without a final response; but those Aside
	Retransmissions          uint64 // sent by us, requests and responses
	Absorbed                 uint64 // retransmissions received
	Timeouts                 uint64 // B, F, H
	Failed                   uint64 // messages the transport could not send
}
