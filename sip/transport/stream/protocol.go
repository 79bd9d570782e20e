package stream

import (
	"net"
	"time"

	"sipedge/sip"
)

// Protocol is how messages lie in the connections of a Socket. The zero value is that of RFC 3261
// §18.3: messages follow each other, and Content-Length says where one ends.
type Protocol struct {
	// Open makes an accepted connection ready for messages, on the goroutine of that connection.
	// It has Limits.Arrival, as a deadline that is set. An error ends the connection; what Open
	// wrote still reaches the peer. nil: it is ready.
	Open func(nc net.Conn) error
	// Framing makes what takes the messages of one connection apart.
	Framing func() Framing
	// Append appends a message as it is written.
	Append func(dst, message []byte) []byte
	// Pings keep watch over peers that say nothing.
	Pings Pings
}

// Pings are frames that a peer answers. The zero value are none.
type Pings struct {
	Frame []byte
	Every time.Duration // that nothing came, and between two; less up to a fourth, by chance
	Lost  int           // so many in a row without any bytes from the peer end the connection
}

// Framing takes the messages of one connection apart. It is for one goroutine.
type Framing interface {
	// Next looks at buf, which begins where the last frame ended, and may change it. What it
	// returns lives until the next call. An error says that the connection can't be used further;
	// io.EOF, that the peer says so.
	Next(buf []byte, limit int) (Frame, error)
}

// Frame is what the front of a buffer holds.
type Frame struct {
	Size      int    // bytes that it takes; 0: it has not come whole
	Message   []byte // nil: it is none
	Answer    []byte // to be written as it is; nil: nothing
	KeepAlive bool   // it asks whether we are alive
	Begun     bool   // the message goes on in what follows
}

// defaults fills in what is not given.
func (p Protocol) defaults() Protocol {
	if p.Open == nil {
		p.Open = func(net.Conn) error { return nil }
	}
	if p.Framing == nil {
		p.Framing = func() Framing { return new(byLength) }
	}
	if p.Append == nil {
		p.Append = func(dst, message []byte) []byte { return append(dst, message...) }
	}
	return p
}

// byLength is the Framing of RFC 3261 §18.3, with the keep-alives of RFC 5626 §3.5.1.
type byLength struct{ sip.Framer }

var pong = []byte("\r\n")

func (b *byLength) Next(buf []byte, limit int) (f Frame, err error) {
	kind, n, err := b.Framer.Next(buf, limit)
	switch {
	case err != nil || kind == sip.Incomplete:
		return f, err
	case kind == sip.Complete:
		f.Message = buf[:n:n]
	case kind == sip.Ping:
		f.Answer, f.KeepAlive = pong, true
	}
	f.Size = n
	return f, nil
}
