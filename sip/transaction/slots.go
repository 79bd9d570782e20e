package transaction

import (
	"math"

	"sipedge/sip"
	"sipedge/sip/slab"
	"sipedge/sip/transport"
)

// state of a transaction. RFC 3261 §17 and RFC 6026 §7 name them; where the
// machines differ by method only, they share one.
type state uint8

const (
	free             state = iota
	clientNamed            // has a branch, was not sent
	clientCalling          // Calling, or Trying without a response
	clientProceeding       // a 1xx came
	clientAccepted         // INVITE: 2xx came, timer M
	clientCompleted        // final came, timer D or K
	serverProceeding       // Proceeding, or Trying: no final sent
	serverAccepted         // INVITE: 2xx sent, timer L
	serverCompleted        // final sent, timers G, H or J
	serverConfirmed        // ACK came, timer I; or dropped: absorbs only
)

func (s state) server() bool { return s >= serverProceeding }

// unanswered reports whether a final response is to come.
func (s state) unanswered() bool {
	return s >= clientNamed && s <= clientProceeding || s == serverProceeding
}

type flags uint8

const (
	reliable     flags = 1 << iota // nothing is retransmitted, RFC 3261 §17
	legacy                         // server: RFC 2543 peer, matched by §17.2.3's second list
	cancelled                      // server: User.Cancelled was called
	cancelWanted                   // client: Cancel was called
	cancelSent                     // client: the CANCEL left
	aside                          // client: Options.Aside
)

const never = int64(math.MaxInt64) // tick of a timer not armed

// A slot is one transaction. It holds no pointers and fills two cache lines.
type slot struct {
	due        int64 // earlier of resend and end while in the wheel
	next, prev uint32
	bucket     uint16 // of the wheel, plus one; 0: not in it

	state  state
	flags  flags
	method sip.Method

	chain uint32 // server: next of its bucket in the table. client: its Mark until it was told
	gen   uint32 // of the handle; 0: free
	// server: what finds it. client: hash and tick of the last 1xx told; while Calling hi is when
	// the request was sent, in nanoseconds since tick 0.
	key  key
	word uint64
	to   transport.Packed

	resend int64  // tick of the next retransmission: timers A, E, G
	end    int64  // tick that ends the state: B C D F H I J K L M
	every  uint32 // ticks between this retransmission and the one before
	wait   uint32 // client: Timer C in ticks; 0: none

	msg slab.Piece // client: the request. server: the last reply
	aux slab.Piece // client: ACK or CANCEL
}

// counts reports whether Stats.Unanswered has s in it.
func (s *slot) counts() bool { return s.state.unanswered() && s.flags&aside == 0 }
