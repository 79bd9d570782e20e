package main

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
)

// ladder draws the messages of a call as they are seen by the phones: alice on
// the left, the proxy in the middle, bob on the right.
type ladder struct {
	w  io.Writer
	mu sync.Mutex
}

const rung = 30 // columns between two of them

func newLadder(w io.Writer) *ladder { return &ladder{w: w} }

func (l *ladder) begin(alice, proxy, bob netip.AddrPort) {
	fmt.Fprintf(l.w, "%-*s%-*s%s\n", rung, "alice", rung, "proxy", "bob")
	fmt.Fprintf(l.w, "%-*s%-*s%s\n", rung, alice, rung, proxy, bob)
}

// message draws one message. out: the phone sent it.
func (l *ladder) message(phone, text string, out bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	gap := strings.Repeat(" ", rung-1)
	right := out == (phone == "alice") // the way it goes
	bar := "-- " + text + " " + strings.Repeat("-", max(0, rung-6-len(text)))
	if right {
		bar = bar[:len(bar)-1] + ">"
	} else {
		bar = "<" + bar[1:]
	}
	if phone == "alice" {
		fmt.Fprintf(l.w, "|%-*s|%s|\n", rung-1, bar, gap)
		return
	}
	fmt.Fprintf(l.w, "|%s|%-*s|\n", gap, rung-1, bar)
}
