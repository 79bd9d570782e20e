package daemon

import (
	"runtime"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// maxLent bounds how many processors more than it has Go is told of: idle ones cost the
// scheduler and the collector a little each.
const maxLent = 32

// lend gives Go a processor more for each reader of a UDP socket, which keeps one while it waits
// in the kernel (package udp), and returns what takes them back.
func lend(listeners []transport.Listener, workers int) (back func()) {
	readers := 0
	for _, l := range listeners {
		if l.Transport == sip.UDP {
			readers += workers
		}
	}
	before := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(before + min(readers, maxLent))
	return func() { runtime.GOMAXPROCS(before) }
}
