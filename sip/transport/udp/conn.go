package udp

import "net/netip"

// batch is how many datagrams one call moves at most.
const batch = 32

// Conn is one datagram socket that can move several datagrams at once. One goroutine reads, one
// at a time writes, one waits in Undelivered.
type Conn interface {
	// ReadBatch waits for datagrams and fills ds from the front: N bytes of Buf came from
	// Remote, which is never IPv4 mapped to IPv6. Only net.ErrClosed means that no more
	// will come.
	ReadBatch(ds []Datagram) (int, error)
	// Backlog is how full the queue that ReadBatch takes from is, in percent.
	Backlog() uint8
	// WriteBatch sends N bytes of each Buf to Remote, in order, and returns how many left. The
	// error is about the one behind them.
	WriteBatch(ds []Datagram) (int, error)
	// Undelivered waits until ICMP says of datagrams sent before that they are lost, and
	// hands f the beginning of each, valid until f returns, and why. False: Stop was called.
	Undelivered(f func(b []byte, err error)) bool
	// Stop ends ReadBatch, which returns net.ErrClosed, and Undelivered.
	Stop() error
	// Close gives the socket back. No other call is under way, or comes after it.
	Close() error
}

// Datagram is one for a batch.
type Datagram struct {
	Buf    []byte
	N      int
	Remote netip.AddrPort
	Local  netip.Addr // of a wildcard socket: the address it came to, or leaves from; may be zero
}
