package daemon

import (
	"runtime"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/poll"
)

// maxLent bounds how many processors more than it has Go is told of: idle ones cost the
// scheduler and the collector a little each.
const maxLent = 32

// processors are those of Go without the ones that are lent.
type processors struct {
	own     int
	readers int // of each UDP socket
}

// lend gives Go a processor more for each goroutine that keeps one while it waits in the kernel
// (package keep): the readers of each of these listeners' UDP sockets, and as many for the loops of
// all connections together. They take the place of those lent before.
func (p *processors) lend(listeners []transport.Listener) {
	datagrams, looped := 0, 0
	for _, l := range listeners {
		switch {
		case l.Transport == sip.UDP:
			datagrams += p.readers
		case poll.Works && l.Bound() && l.Transport != sip.SCTP:
			looped = p.readers
		}
	}
	if n := p.own + min(datagrams+looped, maxLent); n != runtime.GOMAXPROCS(0) {
		runtime.GOMAXPROCS(n) // it stops the world
	}
}

// looped counts the connections that are a loop's: they have no stacks, and hardly buffers.
func (d *Daemon) looped() (sum int64) {
	for _, s := range d.manager.Stats() {
		sum += s.Looped.Load()
	}
	return sum
}
