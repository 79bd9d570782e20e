// Package vigil keeps the Go runtime awake while messages flow over connections.
//
// A message that finds the process idle wakes not only who reads it but the runtime's monitor
// thread too, which finds nothing to do and goes back to sleep a moment later. At a thousand calls
// a second over TCP or TLS that is an eighth of the processor time (make bench-streams). The
// monitor sleeps only while no processor is in use, in the runtime's sense; so one is that is there
// for nothing else.
//
// Its one law: it costs a hundred short wake-ups a second while messages flow, and ten otherwise.
package vigil

import (
	"context"
	"time"
)

const (
	nap    = 10 * time.Millisecond
	naps   = 10 // between two looks at the messages
	enough = 20 // messages between two looks, that it pays for
)

// Keep holds a processor while messages flow, until ctx ends. messages is how many there have been
// so far. The runtime has a processor for it beside those of everybody else.
func Keep(ctx context.Context, messages func() uint64) {
	tick := time.NewTicker(naps * nap)
	defer tick.Stop()
	for before := messages(); ; {
		now := messages()
		flow := now-before >= enough
		before = now
		if flow && hold(ctx) {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// hold holds a processor until it is time to look again; false: it can't, or ctx has ended.
func hold(ctx context.Context) bool {
	for range naps {
		if ctx.Err() != nil || !sleep() {
			return false
		}
	}
	return true
}
