//go:build linux && !portable

package poll

import (
	"context"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sipedge/sip/transport/keep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// member is one that does what a test wants of it.
type member struct {
	l      *Loop
	id     uint64
	s      Socket
	attend func(m *member, ready Readiness)

	turns, judged, looked atomic.Int32
}

func (m *member) Attend(ready Readiness, _ time.Time) {
	m.turns.Add(1)
	if m.attend != nil {
		m.attend(m, ready)
	}
}
func (m *member) Judge(time.Time) { m.judged.Add(1) }
func (m *member) Look(time.Time)  { m.looked.Add(1) }

// leave closes the connection of a member, when it is called.
func (m *member) leave() {
	_ = m.s.Close()
	m.l.Remove(m.id, m)
}

// loops are those of a test, and their way to members.
type loops struct {
	*Loops
	t   *testing.T
	ids uint64
}

func newLoops(t *testing.T, most int, ticks, looks time.Duration) *loops {
	l := &loops{Loops: NewLoops(most, ticks, looks), t: t}
	t.Cleanup(func() { l.Close(context.Background()) })
	return l
}

// take makes a connection a member, which leaves when its peer does, or when the test is over.
func (l *loops) take(attend func(m *member, ready Readiness)) (*member, *net.TCPConn) {
	l.t.Helper()
	ours, theirs := pair(l.t)
	l.ids++
	m := &member{l: l.Next(), id: l.ids<<33 | 0xFFFFFFF1} // both halves, and what would be negative
	over, ready := new(atomic.Bool), make(chan struct{})
	m.attend = func(m *member, r Readiness) {
		<-ready
		if over.Load() {
			m.leave()
		} else if attend != nil {
			attend(m, r)
		}
	}
	s, err := m.l.Take(ours, m.id, m)
	if err != nil {
		l.t.Fatal(err)
	}
	m.s = s
	close(ready)
	l.t.Cleanup(func() {
		over.Store(true)
		m.l.Leave(m)
	})
	return m, theirs
}

func pair(t *testing.T) (ours, theirs *net.TCPConn) {
	t.Helper()
	a, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if theirs, err = net.DialTCP("tcp4", nil, a.Addr().(*net.TCPAddr)); err != nil {
		t.Fatal(err)
	}
	if ours, err = a.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	return ours, theirs
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for i := 0; !ok(); i++ {
		if i == 10000 {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func write(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

// echo writes back what came.
func echo(m *member, ready Readiness) {
	if ready&Read == 0 {
		return
	}
	b := make([]byte, 100)
	n, err := m.s.Read(b)
	if err == nil && n > 0 {
		_, err = m.s.Write(b[:n])
	}
	if err != nil {
		_ = m.l.Ask(m.s, m.id, 0)
	}
}

func TestEcho(t *testing.T) {
	l := newLoops(t, 2, time.Hour, time.Hour)
	for range 5 {
		_, c := l.take(echo)
		for _, text := range []string{"one", "two"} {
			write(t, c, []byte(text))
			got := make([]byte, len(text))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
				t.Fatalf("%q, %v", got, err)
			}
		}
	}
	if n := len(l.loops); n != 2 {
		t.Errorf("%d loops, want 2", n)
	}
}

// Who always has something to read gets no more turns than others.
func TestTurns(t *testing.T) {
	l := newLoops(t, 1, time.Hour, time.Hour)
	b, cb := l.take(nil) // nobody reads
	write(t, cb, []byte("x"))
	until(t, "a turn", func() bool { return b.turns.Load() > 0 })
	var before int32
	var most atomic.Int32 // compared on the loop, where no turn is between two looks
	a, ca := l.take(func(a *member, _ Readiness) {
		n := a.turns.Load()
		if n == 1 {
			before = b.turns.Load()
		}
		d := b.turns.Load() - before - n
		most.Store(max(most.Load(), d, -d))
	})
	write(t, ca, []byte("x"))
	until(t, "many turns", func() bool { return a.turns.Load() > 1000 })
	if d := most.Load(); d > 2 {
		t.Errorf("one had %d turns more than the other", d)
	}
}

// What is left during a round is attended to behind it; what is left at other times wakes the loop.
func TestLeave(t *testing.T) {
	l := newLoops(t, 1, time.Hour, time.Hour)
	b, _ := l.take(nil)
	busy := make(chan bool, 1)
	a, ca := l.take(func(m *member, ready Readiness) {
		if ready&Read == 0 {
			return
		}
		n := b.turns.Load()
		busy <- m.l.LeaveIfBusy(b) && b.turns.Load() == n
		_, _ = m.s.Read(make([]byte, 10))
	})
	if a.l.LeaveIfBusy(b) {
		until(t, "its turn", func() bool { return b.turns.Load() == 1 }) // a was just taken
	}
	until(t, "a pause", func() bool { return !a.l.LeaveIfBusy(a) })
	before := b.turns.Load()
	write(t, ca, []byte("x"))
	if !<-busy {
		t.Error("a loop in its round is not busy, or does not wait for its end")
	}
	until(t, "a turn", func() bool { return b.turns.Load() == before+1 })
	b.l.Leave(b)
	until(t, "another", func() bool { return b.turns.Load() == before+2 })
}

// Only who is pressed is judged; all are looked at.
func TestTicks(t *testing.T) {
	l := newLoops(t, 1, 2*time.Millisecond, 10*time.Millisecond)
	a, _ := l.take(func(m *member, _ Readiness) { m.l.Press(m, m.judged.Load() < 3) })
	b, _ := l.take(nil)
	a.l.Leave(a)
	until(t, "judged", func() bool { return a.judged.Load() >= 3 })
	a.l.Leave(a)
	until(t, "looks", func() bool { return a.looked.Load() > 2 && b.looked.Load() > 2 })
	if n := b.judged.Load(); n > 0 {
		t.Errorf("judged %d times without being pressed", n)
	}
	until(t, "no judge more", func() bool {
		before := a.judged.Load()
		time.Sleep(10 * time.Millisecond)
		return a.judged.Load() == before
	})
}

// A socket is told of for what is asked for, and for its end.
func TestAsk(t *testing.T) {
	l := newLoops(t, 1, time.Hour, time.Hour)
	told := make(chan Readiness, 100)
	m, c := l.take(func(m *member, ready Readiness) {
		if ready == 0 {
			_ = m.l.Ask(m.s, m.id, Write)
			return
		}
		select {
		case told <- ready:
		default:
		}
		_ = m.l.Ask(m.s, m.id, 0)
	})
	write(t, c, []byte("x"))
	if r := <-told; r != Read {
		t.Errorf("ready for %b, want to read", r)
	}
	m.l.Leave(m)
	if r := <-told; r != Write {
		t.Errorf("ready for %b, want to write", r)
	}
	if err := c.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if r := <-told; r != Read|Write {
		t.Errorf("ready for %b after a reset, want both", r)
	}
}

// Without loops the connection goes on being one of the runtime's.
func TestTakeWhenOver(t *testing.T) {
	s := NewLoops(1, time.Hour, time.Hour)
	l := s.Next()
	s.Close(t.Context())
	if s.Next() != nil {
		t.Error("a loop after Close")
	}
	ours, theirs := pair(t)
	defer ours.Close()
	if _, err := l.Take(ours, 1, &member{}); err == nil {
		t.Error("taken by a loop that is over")
	}
	write(t, ours, []byte("x"))
	if n, err := theirs.Read(make([]byte, 1)); n != 1 {
		t.Error(err)
	}
	l.Leave(&member{}) // nobody
	var none *Loops
	if none.Next() != nil {
		t.Error("a loop of none")
	}
}

// A loop that waits with a processor in hand keeps no collection waiting, and gives it back.
func TestCollectionsDoNotWait(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1))
	l := newLoops(t, 1, time.Hour, time.Hour)
	_, c := l.take(echo)
	const times, most = 20, 10 * nap
	var took time.Duration
	for range times {
		until(t, "held", func() bool { // who looks late finds it given back
			write(t, c, []byte("x"))
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			return keep.Lent() == 1
		})
		begun := time.Now()
		runtime.GC()
		took += time.Since(begun)
	}
	if took > most {
		t.Errorf("%d collections took %s", times, took)
	}
	until(t, "given back", func() bool { return keep.Lent() == 0 })
}

// Whoever rings is heard, however many do.
func TestRing(t *testing.T) {
	s, err := newSet()
	if err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var ringing sync.WaitGroup
	for range 3 {
		ringing.Go(func() {
			for !stop.Load() {
				s.ring()
			}
		})
	}
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		s.wait(0)
	}
	stop.Store(true)
	ringing.Wait()
	s.wait(0) // the last of them
	s.ring()
	begun := time.Now()
	s.wait(10 * time.Second)
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("heard after %s", d)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// Who could not be taken is no member: nobody calls it.
func TestNotTaken(t *testing.T) {
	l := newLoops(t, 1, time.Millisecond, time.Millisecond)
	loop, nobody := l.Next(), &member{}
	ours, _ := pair(t)
	ours.Close()
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
		if _, err := loop.Take(ours, 1, nobody); err == nil {
			t.Fatal("a closed connection is taken")
		}
	}
	if n := nobody.looked.Load() + nobody.turns.Load(); n > 0 {
		t.Errorf("it was called %d times", n)
	}
}

// Close waits for members no longer than it may.
func TestCloseInTime(t *testing.T) {
	l := newLoops(t, 1, time.Hour, time.Hour)
	l.take(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.Loops.Close(ctx)
	if l.Next() != nil {
		t.Error("a loop after Close")
	}
}
