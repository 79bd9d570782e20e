package cli

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"sipedge/router/replay"
)

// How far a replay is, is told from time to time, over itself, and to nobody
// but a person.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where no time passes by itself
		var b bytes.Buffer
		p := &progress{w: &b}
		p.show(&replay.Counts{Requests: 1})
		p.show(&replay.Counts{Requests: 2})
		p.clear()
		p.clear()
		time.Sleep(redrawEvery)
		p.show(&replay.Counts{Requests: 3, Differ: 1})
		want := "\r1 requests replayed, 0 differ\r\x1b[K\r3 requests replayed, 1 differ"
		if got := b.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		b.Reset()
		p = newProgress(System{Stderr: &b})
		p.next = time.Time{}
		p.show(&replay.Counts{})
		p.clear()
		if b.Len() > 0 {
			t.Errorf("%q to no terminal", b.String())
		}
	})
}
