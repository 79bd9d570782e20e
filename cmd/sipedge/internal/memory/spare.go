package memory

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

const (
	spare    = 64 << 20 // bytes of garbage that are worth a collection
	smallest = 4 << 20  // bytes: the heap that Go collects first, with its percentage of 100
	usual    = 100      // the percentage that is Go's own
)

// spareOnce has the collector wait for 64 MB of garbage, where by itself it waits for as much as is
// in use: with a small heap that is little, and who sends what has to be thrown away would have it
// run several times a second, beside everybody's messages. GOGC set says otherwise, and a limit of
// memory counts for more. It is for the whole process.
var spareOnce = sync.OnceFunc(func() {
	if _, set := os.LookupEnv("GOGC"); set {
		return
	}
	c := collections{percent: usual}
	c.tune(0)
	c.next()
})

// collections are those of the process, and how much garbage each waits for.
type collections struct{ percent int }

// next has the next collection tuned at its end, and all behind it.
func (c *collections) next() {
	runtime.AddCleanup(&struct{ self *collections }{c}, func(c *collections) {
		c.tune(base())
		c.next()
	}, c)
}

// base is what the percentage is of, in bytes: the heap that is in use, stacks and globals.
func base() (sum uint64) {
	parts := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"},
		{Name: "/gc/scan/globals:bytes"},
	}
	metrics.Read(parts)
	for _, p := range parts {
		sum += p.Value.Uint64()
	}
	return sum
}

// tune sets the percentage for a base of live bytes, unless it is about what it was: the world
// stops for it.
func (c *collections) tune(live uint64) {
	if p := percentage(live); p > c.percent+c.percent/8 || p < c.percent-c.percent/8 {
		c.percent = p
		debug.SetGCPercent(p)
	}
}

// percentage is how much garbage a base of live bytes is to wait for, in hundredths of these.
func percentage(live uint64) int {
	return max(usual, int(spare*usual/max(live, smallest)))
}
