package stream

import (
	"bytes"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"

	"sipedge/sip/transport"
)

func TestBuffers(t *testing.T) {
	for _, size := range []int{firstBuffer, firstBuffer + 1, 3000, 4096, 65535 + firstBuffer} {
		b := newBuffer(size)
		if len(b) != size || cap(b) < size || cap(b) >= 2*size {
			t.Errorf("want %d bytes, got %d of %d", size, len(b), cap(b))
		}
		giveBack(b[:1])
		if b := newBuffer(size); len(b) != size {
			t.Errorf("given back: want %d bytes, got %d", size, len(b))
		}
	}
}

// Who never ends a header section makes no garbage to speak of, however often he comes.
func TestEndlessHeaderMakesNoGarbage(t *testing.T) {
	bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
		line := []byte("X: " + string(bytes.Repeat([]byte{'x'}, 1000)) + "\r\n")
		attack := func() {
			c := x.connect(remote)
			if _, err := c.Write([]byte("INVITE sip:a@b SIP/2.0\r\n")); err != nil {
				t.Fatal(err)
			}
			for range 200 {
				if _, err := c.Write(line); err != nil {
					break // it is over
				}
			}
		}
		const times, most = 50, 64 << 10 // half of what one makes who grows to the limit
		defer debug.SetGCPercent(debug.SetGCPercent(-1))
		var before, after runtime.MemStats
		attack()
		runtime.ReadMemStats(&before)
		for range times {
			attack()
		}
		runtime.ReadMemStats(&after)
		n := (after.TotalAlloc - before.TotalAlloc) / times
		if n > most {
			t.Errorf("%d bytes an attack, want at most %d", n, most)
		}
		synctest.Wait()
		if n := x.stats.Ended[transport.EndedOversized].Load(); n != times+1 {
			t.Errorf("%d attacks ended as oversized", n)
		}
	})
}
