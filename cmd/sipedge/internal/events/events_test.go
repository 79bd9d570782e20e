package events

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sipedge/backends"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// take is what a listener has, without E_SUBSCRIBED.
func take(t *testing.T, l *Listener) (list []Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	list, err := l.Take(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(list, func(e Event) bool { return e.Name == "E_SUBSCRIBED" })
}

func listen(t *testing.T, h *Hub, names ...string) *Listener {
	t.Helper()
	l, err := h.Listen(names)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A listener has the events of its names, in their order, from when it began to when it ended.
func TestListen(t *testing.T) {
	h := New()
	h.Publish(PolicyReload, Reload{Generation: 1})
	one, all := listen(t, h, "E_RELOAD"), listen(t, h)
	h.Publish(PolicyReload, Reload{Generation: 2})
	h.Publish(ServerDrain, Drain{Live: 3})
	h.Publish(PolicyReload, Reload{Generation: 4})
	for _, c := range []struct {
		name string
		l    *Listener
		want []any
	}{
		{"one", one, []any{Reload{Generation: 2}, Reload{Generation: 4}}},
		{"all", all, []any{Reload{Generation: 2}, Drain{Live: 3}, Reload{Generation: 4}}},
	} {
		var got []any
		for _, e := range take(t, c.l) {
			got = append(got, e.Params)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	one.Close()
	if !h.Wants(PolicyReload) {
		t.Error("nobody listens to what one still does")
	}
	all.Close()
	if h.Wants(PolicyReload) || h.Stats().Listeners != 0 || h.Stats().Told["E_RELOAD"] != 2 {
		t.Errorf("%+v", h.Stats())
	}
	h.Publish(PolicyReload, Reload{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if list, err := one.Take(ctx); err == nil {
		t.Errorf("after Close: %v", list)
	}
}

// What a listener does not take is lost, counted, and told behind what it has; then it goes on.
func TestLost(t *testing.T) {
	h := New()
	l, quick := listen(t, h, "E_RELOAD"), listen(t, h, "E_RELOAD")
	defer l.Close()
	defer quick.Close()
	const more = 10
	for n := range maxWaiting + more {
		h.Publish(PolicyReload, Reload{Generation: int64(n)})
		if list := take(t, quick); len(list) != 1 || list[0].Lost != 0 {
			t.Fatalf("the quick one has %v", list)
		}
	}
	list := take(t, l)
	kept := maxWaiting - 1 // E_SUBSCRIBED has a place, too
	if len(list) != kept+1 || list[kept].Name != "E_LOST" || list[kept].Lost != more+1 ||
		list[kept-1].Params != (Reload{Generation: int64(kept - 1)}) {
		t.Fatalf("%d events, the last %v", len(list), list[len(list)-1])
	}
	if n := h.Stats().Lost; n != more+1 {
		t.Errorf("%d are counted", n)
	}
	h.Publish(PolicyReload, Reload{Generation: -1})
	if list := take(t, l); len(list) != 1 || list[0].Params != (Reload{Generation: -1}) {
		t.Errorf("then %v", list)
	}
}

func TestListenRefuses(t *testing.T) {
	h := New()
	if _, err := h.Listen([]string{"E_RELOAD", "E_SUBSCRIBED"}); !errors.Is(err, ErrName) {
		t.Errorf("a name that is none: %v", err)
	}
	for range maxListeners {
		defer listen(t, h).Close()
	}
	if _, err := h.Listen(nil); !errors.Is(err, ErrFull) {
		t.Errorf("one more: %v", err)
	}
}

// Of many who publish and take at once nothing is lost or told twice that was not counted as lost.
func TestAtOnce(t *testing.T) {
	h := New()
	l := listen(t, h, "E_RELOAD")
	const publishers, each = 8, 2000
	var all sync.WaitGroup
	for range publishers {
		all.Go(func() {
			for range each {
				h.Publish(PolicyReload, Reload{})
				listen(t, h, "E_DRAIN").Close()
			}
		})
	}
	got := uint64(0)
	for got < publishers*each {
		for _, e := range take(t, l) {
			if got += e.Lost; e.Lost == 0 {
				got++
			}
		}
	}
	all.Wait()
	l.Close()
	if got != publishers*each || h.Stats().Told["E_RELOAD"] != got {
		t.Errorf("%d of %d, %+v", got, publishers*each, h.Stats())
	}
}

// While nobody listens a change of a binding costs no memory.
func TestNobodyListens(t *testing.T) {
	h := New()
	defer listen(t, h, "E_RELOAD").Close() // to other things
	b := backends.Binding{Contact: []byte("sip:a@192.0.2.1")}
	e := backends.Event{Kind: backends.Inserted, AOR: []byte("a@example.net"), Binding: &b}
	if n := testing.AllocsPerRun(1000, func() { h.bound("contacts", e) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
