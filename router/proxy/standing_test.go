//go:build unix

package proxy

import (
	"fmt"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"sipedge/sip"
)

// BenchmarkStanding begins calls over TCP beside so many that stand unanswered, and ends those
// that have stood longest, a sixteenth of them at a time. It counts the pages that the system
// had to give: what is free goes back to it whenever all are others, as in the seconds that this
// would take.
func BenchmarkStanding(b *testing.B) {
	for _, body := range []int{300, 40_000} {
		for _, calls := range []int{50, 500} {
			b.Run(fmt.Sprintf("%dx%d", calls, body), func(b *testing.B) {
				benchmarkStanding(b, calls, body)
			})
		}
	}
}

func benchmarkStanding(b *testing.B, calls, body int) {
	w := newBench()
	w.overTCP(body)
	w.run = routeTCP
	refusals := make([][]byte, calls) // of those that stand
	n, stand := 0, 0
	life := func() {
		if stand == calls {
			for ; stand > calls-calls/16; stand-- {
				w.receive(b, refusals[(n-stand)%calls])
			}
			w.now = w.now.Add(time.Second)
			w.layer.Advance(w.now)
		}
		w.number(n)
		w.receive(b, w.invite)
		if err := w.msg.Parse(w.sender.request); err != nil {
			b.Fatal(err)
		}
		refusals[n%calls] = sip.AppendReply(refusals[n%calls][:0], &w.msg, 486, "", bobTag, nil)
		n, stand = n+1, stand+1
	}
	for range 3 * calls {
		life()
	}
	given, before := int64(0), faults(b)
	b.ReportAllocs()
	for b.Loop() {
		if life(); n%calls == 0 {
			b.StopTimer()
			given += faults(b) - before
			debug.FreeOSMemory()
			before = faults(b)
			b.StartTimer()
		}
	}
	given += faults(b) - before
	b.ReportMetric(float64(given)/float64(b.N), "faults/op")
	if live := w.proxy.Stats().LiveContexts; int(live) < stand {
		b.Errorf("%d calls stand, want %d", live, stand)
	}
}

// faults are the pages that the process had to be given so far.
func faults(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return int64(u.Minflt)
}
