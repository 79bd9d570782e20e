package flow_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/memory"
	"sipedge/router/flow"
	"sipedge/sip"
	"sipedge/sip/transport"
)

var now = time.Unix(1_000_000, 0)

// fixture is Bindings of one store.
type fixture struct {
	t     *testing.T
	b     *flow.Bindings
	store *store
	jobs  []func(context.Context) // of the pool
	full  bool                    // the pool is
	woken int
}

// store is one in memory that may wait or fail.
type store struct {
	*memory.Store
	waits   bool
	err     error
	updates atomic.Int64
}

func (s *store) Traits() backends.Traits { return backends.Traits{UpdateWaits: s.waits} }

func (s *store) Update(
	ctx context.Context, aor []byte, now time.Time, c backends.Change,
) error {
	s.updates.Add(1)
	if s.err != nil {
		return s.err
	}
	return s.Store.Update(ctx, aor, now, c)
}

func (x *fixture) Go(f func(context.Context)) bool {
	if !x.full {
		x.jobs = append(x.jobs, f)
	}
	return !x.full
}

func newFixture(t *testing.T, waits bool) *fixture {
	x := &fixture{t: t, store: &store{Store: memory.New(backends.Names{}), waits: waits}}
	x.b = flow.New(flow.Config{Pool: x, Wake: func(time.Time) { x.woken++ }})
	x.b.Watch(x.store)
	return x
}

// put is a Change that makes a binding of a Contact, by where it came from.
type put struct{ contact, received string }

func (p put) Apply(s *backends.Set) bool {
	b := backends.Binding{
		Contact: []byte(p.contact), Received: []byte(p.received), Expires: now.Add(time.Hour),
	}
	for i := range s.Bindings {
		if string(s.Bindings[i].Contact) == p.contact {
			b.ID = s.Bindings[i].ID
			s.Bindings[i] = b
			return true
		}
	}
	s.Bindings = append(s.Bindings, b)
	return true
}

func over(transport string, conn uint64) string {
	return "sip:192.0.2.1:40000;transport=" + transport + ";conn=" + strconv.FormatUint(conn, 36)
}

func (x *fixture) register(aor, contact, received string) {
	x.t.Helper()
	change := put{contact, received}
	if err := x.store.Store.Update(x.t.Context(), []byte(aor), now, change); err != nil {
		x.t.Fatal(err)
	}
}

func (x *fixture) close(by sip.Transport, conn uint64) {
	x.b.Closed(transport.Flow{Transport: by, Conn: conn}, now)
}

// has fails the test unless an address of record has so many bindings.
func (x *fixture) has(aor string, want int) {
	x.t.Helper()
	var s backends.Set
	if err := x.store.Lookup(x.t.Context(), []byte(aor), now, &s); err != nil {
		x.t.Fatal(err)
	}
	if len(s.Bindings) != want {
		x.t.Errorf("%s has %d bindings, want %d", aor, len(s.Bindings), want)
	}
}

func TestBindingsEndWithTheirConnection(t *testing.T) {
	x := newFixture(t, false)
	x.register("alice", "sip:a@x.invalid", over("ws", 7))
	x.register("alice", "sip:b@x.invalid", over("ws", 8))
	x.register("alice", "sip:c@198.51.100.1", "")
	x.register("bob", "sip:a@x.invalid", over("wss", 7))
	x.register("bob", "sip:d@x.invalid", over("wss", 7))
	x.register("carol", "sip:e@198.51.100.1", over("tcp", 9))
	x.close(sip.WS, 7)
	x.has("alice", 2)
	x.has("bob", 0)
	x.close(sip.WS, 7) // again: nothing
	x.close(sip.TCP, 9)
	x.has("carol", 1)
	x.close(sip.WS, 8)
	x.has("alice", 1)
	if n := x.b.Ended(); n != 4 {
		t.Errorf("%d ended, want 4", n)
	}
	x.b.All(true)
	x.register("carol", "sip:e@198.51.100.1", over("tcp", 10))
	x.close(sip.TCP, 10)
	x.has("carol", 0)
}

// tale is a Change that makes a binding as it was kept: when, by which listener, over what.
type tale struct {
	contact, listener, received string
	modified                    time.Time
}

func (o tale) Apply(s *backends.Set) bool {
	s.Bindings = append(s.Bindings, backends.Binding{
		Contact: []byte(o.contact), Received: []byte(o.received), Listener: []byte(o.listener),
		Modified: o.modified, Expires: now.Add(time.Hour),
	})
	return true
}

// What was registered over a WebSocket of an earlier run of this server is gone, whether the store
// has it when the server begins or reads it later; what another server has stays.
func TestBindingsOfAnEarlierRun(t *testing.T) {
	before, since := now.Add(-time.Second), now.Add(time.Second)
	tales := []tale{
		{"sip:a@x.invalid", "ws:192.0.2.9:80", over("ws", 7), before},
		{"sip:b@x.invalid", "ws:192.0.2.9:80", over("wss", 8), before},
		{"sip:c@x.invalid", "ws:192.0.2.9:80", over("ws", 9), since},
		{"sip:d@x.invalid", "ws:192.0.2.10:80", over("ws", 7), before},
		{"sip:e@198.51.100.1", "tcp:192.0.2.9:5060", over("tcp", 7), before},
		{"sip:f@198.51.100.1", "udp:192.0.2.9:5060", "", before},
	}
	for _, waits := range []bool{false, true} {
		x := &fixture{t: t, store: &store{Store: memory.New(backends.Names{}), waits: waits}}
		x.b = flow.New(flow.Config{
			Pool: x, Wake: func(time.Time) { x.woken++ }, Began: now,
			Ours: func(l []byte) bool { return strings.Contains(string(l), "192.0.2.9:") },
		})
		tell := func(aor string) {
			for _, o := range tales {
				if err := x.store.Store.Update(t.Context(), []byte(aor), now, o); err != nil {
					t.Fatal(err)
				}
			}
		}
		tell("alice")
		x.b.Watch(x.store)
		tell("bob")
		x.b.Advance(now)
		for len(x.jobs) > 0 {
			job := x.jobs[0]
			x.jobs = x.jobs[1:]
			job(t.Context())
			x.b.Advance(now)
		}
		x.has("alice", 4)
		x.has("bob", 4)
		if n := x.b.Ended(); n != 4 || x.woken == 0 {
			t.Errorf("waits %v: %d ended, want 4; woken %d times", waits, n, x.woken)
		}
		x.close(sip.WS, 9)
	}
}

// Who came back over another connection stays when the old one ends; who went by himself is no
// longer waited for.
func TestBindingsMove(t *testing.T) {
	for _, order := range [][]string{{"a", "b", "c"}, {"b", "c", "a"}, {"c", "a", "b"}} {
		x := newFixture(t, false)
		for _, name := range []string{"a", "b", "c"} {
			x.register("alice", "sip:"+name+"@x.invalid", over("ws", 7))
		}
		for i, name := range order { // each leaves its place in the list
			x.register("alice", "sip:"+name+"@x.invalid", over("ws", uint64(20+i)))
		}
		x.register("alice", "sip:"+order[0]+"@x.invalid", "")
		x.close(sip.WS, 20)
		x.close(sip.WS, 7)
		x.has("alice", 3)
		x.close(sip.WS, 21)
		x.close(sip.WS, 22)
		x.has("alice", 1)
	}
	x := newFixture(t, false)
	x.register("alice", "sip:a@x.invalid", over("ws", 7))
	if err := x.store.Store.Update(t.Context(), []byte("alice"), now, none{}); err != nil {
		t.Fatal(err)
	}
	x.close(sip.WS, 7)
	if n := x.store.updates.Load(); n != 0 {
		t.Errorf("%d updates for a binding that was gone", n)
	}
}

// none is a Change by which all bindings go.
type none struct{}

func (none) Apply(s *backends.Set) bool {
	s.Bindings = s.Bindings[:0]
	return true
}

// A REGISTER that waits may be served when its connection has ended.
func TestSavedTooLate(t *testing.T) {
	x := newFixture(t, false)
	x.close(sip.WS, 7)
	x.register("alice", "sip:a@x.invalid", over("ws", 7))
	if x.woken != 1 {
		t.Errorf("woken %d times, want once", x.woken)
	}
	x.has("alice", 1)
	if next := x.b.Advance(now); !next.IsZero() {
		t.Errorf("there is still something to do at %v", next)
	}
	x.has("alice", 0)
}

// A store that waits is asked on the pool; one that can't answer, and a pool that is full, later.
func TestRemovedLater(t *testing.T) {
	x := newFixture(t, true)
	x.full = true
	x.register("alice", "sip:a@x.invalid", over("ws", 7))
	x.register("alice", "sip:b@x.invalid", over("ws", 7))
	x.close(sip.WS, 7)
	next := x.b.Advance(now)
	if next.IsZero() || next.Sub(now) > time.Second || x.woken == 0 {
		t.Fatalf("after a full pool: next %v, woken %d times", next, x.woken)
	}
	x.full, x.store.err = false, errors.New("away")
	x.b.Advance(next)
	if len(x.jobs) != 1 {
		t.Fatalf("%d jobs, want 1", len(x.jobs))
	}
	x.close(sip.WS, 8) // no second one while it runs
	x.jobs[0](t.Context())
	x.has("alice", 2)
	x.store.err = nil
	x.b.Advance(next.Add(time.Second))
	x.jobs[1](t.Context())
	x.has("alice", 0)
	if n := x.b.Ended(); n != 2 || len(x.jobs) != 2 {
		t.Errorf("%d ended, %d jobs, want 2 and 2", n, len(x.jobs))
	}
	if next := x.b.Advance(next.Add(time.Minute)); !next.IsZero() {
		t.Errorf("there is still something to do at %v", next)
	}
}

// The end of a connection costs its own bindings, however many there are of others.
func TestCostOfAnEnd(t *testing.T) {
	x := newFixture(t, false)
	for i := range 20_000 {
		x.register(fmt.Sprint("user", i), "sip:a@x.invalid", over("ws", uint64(100+i)))
	}
	x.register("alice", "sip:a@x.invalid", over("ws", 7))
	x.close(sip.WS, 7)
	x.has("alice", 0)
	if n := x.store.updates.Load(); n != 1 {
		t.Errorf("%d updates, want 1", n)
	}
}
