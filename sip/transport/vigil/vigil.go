// Package vigil keeps the Go runtime awake while messages flow over connections.
//
// A message that finds the process idle wakes not only who reads it but the runtime's monitor
// thread too, which finds nothing to do and goes back to sleep a moment later. At a thousand calls
// a second over TCP or TLS that is an eighth of the processor time (make bench-streams). The
// monitor sleeps only while no processor is in use, in the runtime's sense; so one is that is there
// for nothing else.
//
// Its one law: it costs a hundred short wake-ups a second while messages flow, and one otherwise.
package vigil

import (
	"context"
	"time"

	"sipedge/sip/transport/keep"
)

const (
	nap    = 10 * time.Millisecond
	naps   = 10          // between two looks at the messages, while they flow
	rest   = time.Second // between two looks otherwise
	enough = 200         // messages a second that it pays for
)

// Keep holds a processor while messages flow, until ctx ends. messages is how many there have been
// so far. The runtime has a processor for it beside those of everybody else.
func Keep(ctx context.Context, messages func() uint64) {
	tick := time.NewTicker(rest)
	defer tick.Stop()
	before, span := messages(), rest
	flow := func() bool {
		now := messages()
		came := now - before
		before = now
		return came*uint64(time.Second) >= enough*uint64(span)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for span = rest; flow() && hold(ctx); span = naps * nap {
		}
	}
}

// hold holds a processor until it is time to look again; false: it can't, or ctx has ended.
func hold(ctx context.Context) bool {
	var k keep.Keeper
	k.Take()
	defer k.GiveBack()
	if !k.Holds() {
		return false
	}
	for range naps {
		if ctx.Err() != nil || !sleep() {
			return false
		}
	}
	return true
}
