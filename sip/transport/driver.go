package transport

import (
	"context"

	"sipedge/sip"
	"sipedge/sip/transport/poll"
)

// Drivers opens listeners by their transport: what this build of the server can speak.
type Drivers map[sip.Transport]Listen

// Listen binds e.Listener.Addr and returns the socket, not yet reading. It does not block.
type Listen func(e Env) (Socket, error)

// Env is what a driver gets to make a socket with.
type Env struct {
	Listener Listener
	Index    uint16      // of the listener: what its flows bear
	Workers  int         // how many goroutines read a socket without connections; at least 1
	Limits   Limits      // filled in
	Loops    *poll.Loops // of the connections of all listeners; nil: each has a goroutine
	Stats    *Stats
	Gate     *Gate         // every connection passes it
	Greeting *Gate         // and this one while its handshake lasts
	NextConn func() uint64 // the identity for a new connection
}

// Socket is a bound listener with the connections that bear its identity.
type Socket interface {
	Listener() Listener // Env's with the address that was bound
	// Start begins to read. It is called once. A Send may come a moment before it, when a Change is
	// opened.
	Start(u User)
	// Send is Sender's, for a Target that has been found to be this listener's.
	Send(t Target, b []byte, ref uint64) error
	// Close stops reading, flushes what is queued until ctx ends, and returns when
	// every goroutine is gone. It may be called without Start.
	Close(ctx context.Context) error
}
