package backends

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a DB whose Select does what a test says; the rest is not there.
type fake struct {
	DB
	sel func(ctx context.Context, q Select) ([]Row, error)
}

func (f *fake) Select(ctx context.Context, q Select) ([]Row, error) { return f.sel(ctx, q) }

var limits = Limits{
	Timeout: time.Second, Calls: 2, Waiting: 1, Failures: 3, Share: 50, Rest: 5 * time.Second,
	Probes: 2,
}

func guarded(l Limits, sel func(context.Context, Select) ([]Row, error)) *Guarded {
	return Guard("people", &fake{sel: sel}, l)
}

func returns(err error) func(context.Context, Select) ([]Row, error) {
	return func(context.Context, Select) ([]Row, error) { return nil, err }
}

func selects(g *Guarded) error {
	_, err := g.Select(context.Background(), Select{})
	return err
}

// What errors of a driver become, and which of them count.
func TestGuardErrors(t *testing.T) {
	for _, c := range []struct {
		err      error
		is       error
		failures uint64
	}{
		{nil, nil, 0},
		{fmt.Errorf("bob: %w", ErrNotFound), ErrNotFound, 0},
		{ErrExists, ErrExists, 0},
		{ErrRefused, ErrRefused, 0},
		{ErrUnsupported, ErrUnsupported, 0},
		{ErrUnavailable, ErrUnavailable, 1},
		{errors.New("connection reset"), ErrUnavailable, 1},
	} {
		g := guarded(limits, returns(c.err))
		err := selects(g)
		if !errors.Is(err, c.is) || (err == nil) != (c.err == nil) {
			t.Errorf("%v became %v, want %v", c.err, err, c.is)
		}
		if s := g.Stats(); s.Failures != c.failures || s.Calls != 1 {
			t.Errorf("%v: %d of %d calls failed, want %d", c.err, s.Failures, s.Calls, c.failures)
		}
		if err != nil && !strings.Contains(err.Error(), c.err.Error()) {
			t.Errorf("%v does not tell %v", err, c.err)
		}
	}
}

// A call returns at its deadline although the driver does not, and keeps its place until it does.
func TestGuardDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		g := guarded(limits, func(context.Context, Select) ([]Row, error) {
			<-answer // deaf to its context
			return nil, nil
		})
		began := time.Now()
		err := selects(g)
		if took := time.Since(began); took != limits.Timeout {
			t.Errorf("returned after %v, want %v", took, limits.Timeout)
		}
		if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v is not an unavailable backend at its deadline", err)
		}
		time.Sleep(9 * time.Second)
		s := g.Stats()
		if s.Timeouts != 1 || s.Running != 1 || s.Longest != 10*time.Second {
			t.Errorf("%+v, want a timeout and a call that runs for 10s", s)
		}
		close(answer)
		synctest.Wait()
		if s := g.Stats(); s.Running != 0 || s.Longest != 0 {
			t.Errorf("%+v, want no call that runs", s)
		}
	})
}

// So many calls at once, so many that wait, and not one more.
func TestGuardBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guarded(limits, func(context.Context, Select) ([]Row, error) {
			time.Sleep(600 * time.Millisecond)
			return nil, nil
		})
		var wg sync.WaitGroup
		var mu sync.Mutex
		ends := map[string]int{}
		for range 5 {
			wg.Go(func() {
				err := selects(g)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					ends["fine"]++
				case errors.Is(err, errBusy):
					ends["refused"]++
				case errors.Is(err, context.DeadlineExceeded):
					ends["late"]++
				}
			})
		}
		synctest.Wait()
		if s := g.Stats(); s.Running != 2 || s.Waiting != 1 || s.Refused != 2 {
			t.Errorf("%+v, want 2 that run, 1 that waits, 2 refused", s)
		}
		wg.Wait()
		// The one that waited began after 0.6 s: its second includes the wait.
		if ends["fine"] != 2 || ends["refused"] != 2 || ends["late"] != 1 {
			t.Errorf("ends: %v", ends)
		}
		time.Sleep(time.Second)
	})
}

// A caller who goes away says nothing of the backend.
func TestGuardCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guarded(limits, func(ctx context.Context, _ Select) ([]Row, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		for range 2 * limits.Failures {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			time.AfterFunc(time.Millisecond, cancel)
			_, err := g.Select(ctx, Select{})
			if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrUnavailable) {
				t.Fatalf("%v is not cancelled", err)
			}
		}
		if s := g.Stats(); s.Failures != 0 || s.Breaker != Closed {
			t.Errorf("%+v, want no failure", s)
		}
	})
}

func TestGuardBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, fails := 0, true
		g := guarded(limits, func(context.Context, Select) ([]Row, error) {
			asked++
			if fails {
				return nil, errors.New("down")
			}
			return nil, nil
		})
		var told []Breaker
		var causes []string
		g.WatchBreaker(func(turn Turn) {
			if told = append(told, turn.Is); turn.Cause != nil {
				causes = append(causes, fmt.Sprintf("%v: %v", turn.Was, turn.Cause))
			}
		})
		state := func(want Breaker, wantAsked int) {
			t.Helper()
			if s := g.Stats(); s.Breaker != want || asked != wantAsked {
				t.Fatalf("%v after %d were asked, want %v after %d", s.Breaker, asked, want, wantAsked)
			}
		}
		for range 5 {
			if err := selects(g); !errors.Is(err, ErrUnavailable) {
				t.Fatal(err)
			}
		}
		state(Open, 3)
		time.Sleep(limits.Rest)
		selects(g)
		state(Open, 4) // a probe failed
		time.Sleep(limits.Rest - 1)
		selects(g)
		state(Open, 4)
		time.Sleep(time.Nanosecond)
		fails = false
		selects(g)
		state(HalfOpen, 5)
		selects(g)
		state(Closed, 6)
		if s := g.Stats(); s.Opened != 2 || s.Refused != 3 || s.Failures != 4 {
			t.Errorf("%+v", s)
		}
		if !slices.Equal(told, []Breaker{Open, HalfOpen, Open, HalfOpen, Closed}) {
			t.Errorf("it is told as %v", told)
		}
		want := []string{
			"closed: people: backend unavailable: down",
			"half-open: people: backend unavailable: down",
		}
		if !slices.Equal(causes, want) {
			t.Errorf("it opened since %q, want %q", causes, want)
		}
	})
}

// No more probes than it says are under way, and one whose caller left makes room.
func TestGuardProbes(t *testing.T) {
	now := time.Now()
	b := breaker{limits: limits}
	for range limits.Failures {
		p, _ := b.enter(now)
		b.leave(p, failed, nil, now)
	}
	now = now.Add(limits.Rest)
	p, ok := b.enter(now)
	_, ok2 := b.enter(now)
	_, ok3 := b.enter(now)
	if !ok || !ok2 || ok3 {
		t.Fatalf("probes went through: %v %v %v, want two", ok, ok2, ok3)
	}
	b.leave(p, unasked, nil, now)
	if _, ok := b.enter(now); !ok {
		t.Error("no probe in place of the one that left")
	}
	b.leave(p-1, failed, nil, now) // of before it opened
	if b.state != HalfOpen {
		t.Errorf("a call of another period changed the breaker: %v", b.state)
	}
}

// Half of the calls fail, never three in a row.
func TestGuardShare(t *testing.T) {
	now := time.Now()
	b := breaker{limits: limits}
	for i := range recent {
		if b.state != Closed {
			t.Fatalf("%v after %d calls", b.state, i)
		}
		p, _ := b.enter(now)
		b.leave(p, outcome(i%2), nil, now)
	}
	if b.state != Open {
		t.Errorf("%v after %d calls half of which failed", b.state, recent)
	}
}

// What a caller does with his values after the deadline does not reach the driver.
func TestGuardOwnsArguments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := make(chan string, 1)
		g := guarded(limits, func(_ context.Context, q Select) ([]Row, error) {
			time.Sleep(2 * limits.Timeout)
			seen <- Text(q.Where[0].Value)
			return nil, nil
		})
		user := []byte("alice")
		where := []Where{{"username", Equal, user}}
		if _, err := g.Select(t.Context(), Select{Where: where}); err == nil {
			t.Fatal("no deadline")
		}
		copy(user, "mallo")
		where[0].Value = "mallory"
		if got := <-seen; got != "alice" {
			t.Errorf("the driver saw %q", got)
		}
	})
}

// slowTx is a DB whose transactions begin and end, but whose calls hang.
type slowTx struct{ fake }

func (s *slowTx) Tx(_ context.Context, f func(DB) error) error { return f(&s.fake) }

// A transaction whose time is over has returned before Tx does, and its calls with it.
func TestGuardTx(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		db := &slowTx{fake{sel: func(context.Context, Select) ([]Row, error) {
			<-answer
			return nil, nil
		}}}
		g := Guard("people", db, limits)
		inside := false
		began := time.Now()
		err := g.Tx(t.Context(), func(db DB) error {
			inside = true
			defer func() { inside = false }()
			_, err := db.Select(context.Background(), Select{})
			return err
		})
		if !errors.Is(err, ErrUnavailable) || time.Since(began) != limits.Timeout || inside {
			t.Errorf("%v after %v, still inside: %v", err, time.Since(began), inside)
		}
		close(answer)
	})
	g := guarded(limits, returns(nil))
	if err := g.Tx(t.Context(), nil); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a DB without transactions: %v", err)
	}
}

// A panic of a driver is its caller's.
func TestGuardPanic(t *testing.T) {
	g := guarded(limits, func(context.Context, Select) ([]Row, error) { panic("a bug") })
	defer func() {
		if r := recover(); r != "a bug" {
			t.Errorf("recovered %v", r)
		}
		if s := g.Stats(); s.Running != 0 {
			t.Errorf("%+v, want no call that runs", s)
		}
	}()
	selects(g)
}
