package flow_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/memory"
	"sipedge/router/flow"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// bound is a Change by which a Contact of a connection lives for a time; 0: it goes.
type bound struct {
	contact, received string
	at                time.Time
	lives             time.Duration
}

func (o bound) Apply(s *backends.Set) bool {
	b := backends.Binding{
		Contact: []byte(o.contact), Received: []byte(o.received), Modified: o.at,
		Expires: o.at.Add(o.lives),
	}
	for i := range s.Bindings {
		switch {
		case string(s.Bindings[i].Contact) != o.contact:
		case o.lives == 0:
			s.Bindings = append(s.Bindings[:i], s.Bindings[i+1:]...)
			return true
		default:
			b.ID = s.Bindings[i].ID
			s.Bindings[i] = b
			return true
		}
	}
	s.Bindings = append(s.Bindings, b)
	return o.lives > 0
}

// bind has a Contact live.
func (x *fixture) bind(aor, contact, received string, at time.Time, lives time.Duration) {
	x.t.Helper()
	change := bound{contact, received, at, lives}
	if err := x.store.Store.Update(x.t.Context(), []byte(aor), at, change); err != nil {
		x.t.Fatal(err)
	}
}

// held fails the test unless connection 7 is held until then, and no longer.
func (x *fixture) held(what string, until time.Duration) {
	x.t.Helper()
	f := transport.Flow{Conn: 7}
	if before := now.Add(until - time.Millisecond); until > 0 && !x.b.Held(f, before) {
		x.t.Errorf("%s: it is not held before %v", what, until)
	}
	if x.b.Held(f, now.Add(until)) {
		x.t.Errorf("%s: it is held at %v", what, until)
	}
}

// A connection is held as long as the longest of its bindings lives, whatever becomes of those,
// and whether or not they end with it.
func TestHeld(t *testing.T) {
	for _, by := range []string{"tcp", "tls", "ws", "sctp"} {
		for _, all := range []bool{false, true} {
			x := newFixture(t, false)
			x.b.All(all)
			here, there := over(by, 7), over(by, 8)
			x.held(by+": nothing", 0)
			x.bind("alice", "sip:a@x.invalid", here, now, time.Hour)
			x.held(by+": one", time.Hour)
			x.bind("bob", "sip:b@x.invalid", here, now, 2*time.Hour)
			x.bind("bob", "sip:c@x.invalid", here, now, 30*time.Minute)
			x.held(by+": three", 2*time.Hour)
			x.bind("bob", "sip:b@x.invalid", here, now, 90*time.Minute)
			x.held(by+": the longest is shorter", 90*time.Minute)
			x.b.All(!all)
			x.bind("alice", "sip:a@x.invalid", here, now, 80*time.Minute)
			x.bind("bob", "sip:b@x.invalid", there, now, 3*time.Hour)
			x.held(by+": the longest has gone elsewhere", 80*time.Minute)
			x.bind("alice", "sip:a@x.invalid", "", now, 3*time.Hour)
			x.held(by+": another has, too", 30*time.Minute)
			x.bind("bob", "sip:c@x.invalid", here, now, 0)
			x.held(by+": the last is removed", 0)
			x.bind("carol", "sip:d@x.invalid", over("udp", 0), now, time.Hour)
			x.held(by+": without a connection", 0)
		}
	}
}

// What a database has from an earlier run holds nothing, and what is saved too late neither.
func TestNotHeld(t *testing.T) {
	x := &fixture{t: t, store: &store{Store: memory.New(backends.Names{})}}
	x.bind("alice", "sip:a@x.invalid", over("tcp", 7), now.Add(-time.Second), time.Hour)
	x.b = flow.New(flow.Config{Pool: x, Wake: func(time.Time) {}, Began: now})
	x.b.Watch(x.store)
	x.held("of an earlier run", 0)
	x.bind("alice", "sip:a@x.invalid", over("tcp", 7), now, time.Hour)
	x.held("refreshed", time.Hour)
	x.close(sip.TCP, 7)
	x.held("closed", 0)
	x.has("alice", 1)
	x.bind("alice", "sip:a@x.invalid", over("tcp", 7), now, 2*time.Hour)
	x.held("saved too late", 0)
	x.b.Advance(now)
	x.has("alice", 1)
	if n := x.store.updates.Load(); n != 0 {
		t.Errorf("%d attempts to remove what does not end", n)
	}
}

// Whether a binding ends with its connection is for its last REGISTER to say, and for the policy
// when the connection ends.
func TestEndsByTheLastRegister(t *testing.T) {
	x := newFixture(t, false)
	for _, all := range []bool{false, true} {
		x.b.All(all)
		x.bind("alice", "sip:a@x.invalid", over("tcp", 7), now, time.Hour)
		x.bind("bob", "sip:b@x.invalid", over("tcp", 8), now, time.Hour)
	}
	x.close(sip.TCP, 7)
	x.has("alice", 0)
	x.b.All(false)
	x.close(sip.TCP, 8)
	x.has("bob", 1)
	if n := x.b.Noted(); n != 0 {
		t.Errorf("%d notes of connections that ended", n)
	}
}

// forgetful is a store that tells of no binding that expired.
type forgetful struct{ backends.Locations }

func (s forgetful) Watch(f func(backends.Event)) {
	s.Locations.Watch(func(e backends.Event) {
		if e.Kind != backends.Expired {
			f(e)
		}
	})
}

// What expires on a connection that goes on for ever does not stay in memory.
func TestExpiredIsForgotten(t *testing.T) {
	x := &fixture{t: t, store: &store{Store: memory.New(backends.Names{})}}
	x.b = flow.New(flow.Config{Pool: x})
	x.b.Watch(forgetful{x.store})
	x.bind("lasting", "sip:a@x.invalid", over("tcp", 7), now, 24*time.Hour)
	at := now
	for i := range 5000 {
		at = at.Add(time.Second)
		x.bind(fmt.Sprint("user", i), "sip:a@x.invalid", over("tcp", 7), at, 20*time.Second)
		if n := x.b.Noted(); n > 64 {
			t.Fatalf("%d notes of 21 bindings", n)
		}
	}
	x.held("the last", 24*time.Hour)
}

// What it costs to know that a binding hangs on a connection.
func BenchmarkHang(b *testing.B) {
	s := memory.New(backends.Names{})
	flows := flow.New(flow.Config{})
	flows.Watch(s)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		change := bound{"sip:a@x.invalid", over("tcp", uint64(i+1)), now, time.Hour}
		if err := s.Update(context.Background(), []byte(strconv.Itoa(i)), now, change); err != nil {
			b.Fatal(err)
		}
	}
}
