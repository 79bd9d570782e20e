package daemon

import (
	"runtime"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// maxLent bounds how many processors more than it has Go is told of: idle ones cost the
// scheduler and the collector a little each.
const maxLent = 32

// processors are those of Go without the ones that are lent to readers.
type processors struct {
	own     int
	readers int // of each UDP socket
}

// lend gives Go a processor more for each reader of these listeners' UDP sockets, which keeps one
// while it waits in the kernel (package udp), in place of those lent before.
func (p processors) lend(listeners []transport.Listener) {
	lent := 0
	for _, l := range listeners {
		if l.Transport == sip.UDP {
			lent += p.readers
		}
	}
	if n := p.own + min(lent, maxLent); n != runtime.GOMAXPROCS(0) {
		runtime.GOMAXPROCS(n) // it stops the world
	}
}
