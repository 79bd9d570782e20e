package udp

import "net/netip"

// Conn is one datagram socket that can bring several datagrams at once. One
// goroutine reads, one waits in Undelivered; any number write.
type Conn interface {
	// Batch is how many datagrams one ReadBatch can bring.
	Batch() int
	// ReadBatch waits for datagrams and fills ds from the front: N bytes of Buf
	// came from Remote, which is never IPv4 mapped to IPv6. Only net.ErrClosed
	// means that no more will come.
	ReadBatch(ds []Datagram) (int, error)
	// Write sends one.
	Write(b []byte, remote netip.AddrPort) error
	// Undelivered waits until ICMP says of datagrams sent before that they are lost, and
	// hands f the beginning of each, valid until f returns, and why. False: Close was called.
	Undelivered(f func(b []byte, err error)) bool
	Close() error
}

// Datagram is one for a batch.
type Datagram struct {
	Buf    []byte
	N      int
	Remote netip.AddrPort
}
