package router

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(2, time.Second, slog.New(slog.DiscardHandler))
		var mu sync.Mutex
		var ended []time.Duration
		begin := time.Now()
		wait := func(ctx context.Context) {
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			ended = append(ended, time.Since(begin))
		}
		if !p.Go(wait) || !p.Go(func(context.Context) { panic("x") }) {
			t.Fatal("refused while there was room")
		}
		synctest.Wait()
		if s := p.Stats(); s.Live != 1 || s.Panics != 1 {
			t.Errorf("after a panic: %+v", s)
		}
		if !p.Go(func(ctx context.Context) { time.Sleep(time.Hour) }) || p.Go(wait) {
			t.Error("the bound of 2 does not hold")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(ended) != 1 || ended[0] != time.Second {
			t.Errorf("want one ended by its deadline of 1 s, got %v", ended)
		}
		p.Limit(3, time.Minute)
		for i, want := range []bool{true, true, false} {
			if p.Go(wait) != want {
				t.Errorf("job %d under a bound of 3: want %t", i+2, want)
			}
		}
		p.Close()
		if s := p.Stats(); s.Live != 0 || s.Full != 2 {
			t.Errorf("after Close: %+v", s)
		}
		if len(ended) != 3 || p.Go(wait) {
			t.Errorf("Close did not cancel what waited, or let more in: %v", ended)
		}
	})
}
