package vigil

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// While it holds a processor, everybody else goes on, collections too; it ends when it is told to.
func TestKeep(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) // its own, and one
	var messages, looks atomic.Uint64
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Keep(ctx, func() uint64 {
			looks.Add(1)
			return messages.Add(1000)
		})
	}()
	for looks.Load() < 3 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-ended
}

func TestKeepRests(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	Keep(ctx, func() uint64 { return 7 }) // returns
	if hold(ctx) {
		t.Error("it holds a processor though it is over")
	}
}
