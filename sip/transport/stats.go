package transport

import "sync/atomic"

// Stats are the counters of one listener since the start.
type Stats struct {
	MessagesIn, MessagesOut atomic.Uint64
	BytesIn, BytesOut       atomic.Uint64 // of those messages

	ReadErrors   atomic.Uint64 // of a datagram socket, which goes on
	SendErrors   atomic.Uint64 // datagrams that could not be sent
	Undelivered  atomic.Uint64 // datagrams that ICMP says did not arrive
	AcceptErrors atomic.Uint64
	KeepAlives   atomic.Uint64 // received, RFC 5626 §3.5.1 and blank datagrams
	Pings        atomic.Uint64 // sent, RFC 6455 §5.5.2
	Oversized    atomic.Uint64 // datagrams above Limits.Message

	Open       atomic.Int64  // connections now
	Resting    atomic.Int64  // of these, those without a goroutine: a loop's
	Accepted   atomic.Uint64 // connections
	Dialled    atomic.Uint64 // connections we opened
	DialErrors atomic.Uint64
	Aliased    atomic.Uint64 // of Accepted, those that requests to the peer go over, RFC 5923
	Refused    atomic.Uint64 // connections above a limit, either direction
	Unproxied  atomic.Uint64 // connections of Listener.Proxies without a PROXY header
	QueueFull  atomic.Uint64 // messages refused with ErrQueueFull
	Unsent     atomic.Uint64 // messages queued that did not leave
	Ended      [reasons]atomic.Uint64
	Rejected   [rejections]atomic.Uint64 // requests to open a WebSocket

	Handshakes   atomic.Uint64         // that succeeded, either direction
	Resumed      atomic.Uint64         // of these, with a session of before
	Proved       atomic.Uint64         // of these, those that asked whose a name is, RFC 8737
	Unsuccessful [faults]atomic.Uint64 // handshakes, by what was wrong
}

// Fault says why a handshake failed: the index into Stats.Unsuccessful.
type Fault uint8

const (
	FaultProtocol      Fault = iota // what the peer speaks is not the protocol, or of no use
	FaultTime                       // Limits.Handshake
	FaultPeer                       // the peer gave up: it closed, or refused us
	FaultNoCertificate              // it showed none
	FaultUnknownCA                  // whose certificate is of nobody we trust
	FaultExpired                    // or not yet valid
	FaultRevoked
	FaultName        // the certificate is of somebody else
	FaultCertificate // it has another mistake
	FaultNotIssued   // the certificate that is asked for is not issued yet
	faults
)

// Faults are the words for each Fault, as metrics label them.
var Faults = [faults]string{
	"protocol", "time", "peer", "no_certificate", "unknown_ca", "expired", "revoked", "wrong_name",
	"certificate", "not_issued",
}

func (f Fault) String() string { return Faults[f] }

// HandshakeError is why a connection was not opened.
type HandshakeError struct {
	Fault Fault
	Err   error
}

func (e *HandshakeError) Error() string { return "handshake: " + e.Err.Error() }
func (e *HandshakeError) Unwrap() error { return e.Err }

// Reason says why a connection ended: the index into Stats.Ended.
type Reason uint8

const (
	EndedByPeer     Reason = iota // it closed or reset the connection
	EndedIdle                     // Limits.Idle
	EndedSlow                     // Limits.Arrival
	EndedStalled                  // Limits.Write: it does not read
	EndedFraming                  // what it sent is no sequence of messages
	EndedOversized                // Limits.Message
	EndedByError                  // of reading or writing, any other
	EndedByShutdown               // Close
	EndedUnopened                 // what it began with was refused
	EndedSilent                   // WebSocket.Lost pings had no answer
	EndedRevoked                  // the peer's certificate was revoked since
	EndedUntrusted                // whoever issued it is trusted no more
	reasons
)

// Reasons are the words for each Reason, as metrics label them.
var Reasons = [reasons]string{
	"peer", "idle", "slow", "stalled", "framing", "oversized", "error", "shutdown",
	"unopened", "silent", "revoked", "unknown_ca",
}

func (r Reason) String() string { return Reasons[r] }

// Rejection says why a request opened no WebSocket: the index into Stats.Rejected.
type Rejection uint8

const (
	RejectedRequest  Rejection = iota // it is none that opens a WebSocket
	RejectedPath                      // nothing is there
	RejectedOrigin                    // pages of that origin are not let in
	RejectedProtocol                  // the sub-protocol is not sip
	rejections
)

// Rejections are the words for each Rejection, as metrics label them.
var Rejections = [rejections]string{"request", "path", "origin", "protocol"}

func (r Rejection) String() string { return Rejections[r] }
