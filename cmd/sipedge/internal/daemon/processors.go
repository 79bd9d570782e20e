package daemon

import (
	"runtime"
	"sync/atomic"

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
	readers int         // of each UDP socket
	vigil   atomic.Bool // one is lent to package vigil
}

// lend gives Go a processor more for each goroutine that keeps one while it waits in the kernel
// (package keep): the readers of each of these listeners' UDP sockets, and as many for the loops of
// all connections together; and one if there are connections with goroutines (package vigil). They
// take the place of those lent before.
func (p *processors) lend(listeners []transport.Listener) {
	datagrams, looped, awake := 0, 0, 0
	for _, l := range listeners {
		switch {
		case l.Transport == sip.UDP:
			datagrams += p.readers
		case l.Bound() && ownReader(l.Transport):
			awake = 1
		case l.Bound():
			looped = p.readers
		}
	}
	lent := datagrams + looped
	if lent >= maxLent {
		awake = 0 // readers may hold all but one
	}
	p.vigil.Store(awake > 0)
	if n := p.own + min(lent+awake, maxLent); n != runtime.GOMAXPROCS(0) {
		runtime.GOMAXPROCS(n) // it stops the world
	}
}

// ownReader reports whether connections have a goroutine each that reads them, and no loop.
func ownReader(t sip.Transport) bool {
	return !poll.Works || t != sip.TCP && t != sip.WS
}

// overConnections counts the messages so far that package vigil is there for.
func (d *Daemon) overConnections() (sum uint64) {
	if !d.lent.vigil.Load() {
		return 0
	}
	stats := d.manager.Stats()
	for i, l := range d.manager.Listeners() {
		if l.Bound() && l.Transport != sip.UDP && ownReader(l.Transport) {
			sum += stats[i].MessagesIn.Load()
		}
	}
	return sum
}

// resting counts the connections without a goroutine: they have no stacks, and hardly buffers.
func (d *Daemon) resting() (sum int64) {
	for _, s := range d.manager.Stats() {
		sum += s.Resting.Load()
	}
	return sum
}
