package daemon

import (
	"runtime"
	"sync/atomic"

	"sipedge/sip"
	"sipedge/sip/transport"
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

// lend gives Go a processor more for each reader of these listeners' UDP sockets, which keeps one
// while it waits in the kernel (package udp), and one for those with connections (package vigil),
// in place of those lent before.
func (p *processors) lend(listeners []transport.Listener) {
	lent, connections := 0, 0
	for _, l := range listeners {
		switch {
		case l.Transport == sip.UDP:
			lent += p.readers
		case l.Bound():
			connections = 1
		}
	}
	if lent >= maxLent {
		connections = 0 // readers may hold all but one
	}
	p.vigil.Store(connections > 0)
	if n := p.own + min(lent+connections, maxLent); n != runtime.GOMAXPROCS(0) {
		runtime.GOMAXPROCS(n) // it stops the world
	}
}

// overConnections counts the messages so far that package vigil is there for.
func (d *Daemon) overConnections() (sum uint64) {
	if !d.lent.vigil.Load() {
		return 0
	}
	stats := d.manager.Stats()
	for i, l := range d.manager.Listeners() {
		if l.Bound() && l.Transport != sip.UDP {
			sum += stats[i].MessagesIn.Load()
		}
	}
	return sum
}

// resting counts the connections that have given up their stacks and buffers.
func (d *Daemon) resting() (sum int64) {
	for _, s := range d.manager.Stats() {
		sum += s.Resting.Load()
	}
	return sum
}
