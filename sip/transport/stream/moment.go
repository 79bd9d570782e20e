package stream

import (
	"sync/atomic"
	"time"
)

// moment is a time, or none, in a word. It is of the monotonic clock: who sets that of the machine
// has no connection end.
type moment struct{ atomic.Int64 } // since began; 0: none

var began = time.Now()

func (m *moment) set(t time.Time) { m.Store(int64(t.Sub(began))) }

func (m *moment) none() bool { return m.Load() == 0 }

func (m *moment) time() time.Time { return began.Add(time.Duration(m.Load())) }
