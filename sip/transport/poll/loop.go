package poll

import (
	"context"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

// Member is a connection that a loop reads. The loop calls it, one member after the other.
type Member interface {
	// Attend does what the socket is ready for, once, and what was left to the loop.
	Attend(ready Readiness, now time.Time)
	// Judge looks at the bounds of a member that is pressed.
	Judge(now time.Time)
	// Look looks at every member, now and then.
	Look(now time.Time)
}

// A Loop attends to its members with one goroutine. It attends to each once a round, so that none
// keeps the others waiting. What is written meanwhile is left to it, and leaves behind the round.
type Loop struct {
	set     *set
	ticks   sweep               // of who is pressed
	looks   sweep               // of all
	pressed map[Member]struct{} // who has a bound sooner than that
	round   []turn
	spare   []Member

	mu      sync.Mutex
	members map[uint64]Member
	due     []Member // to be attended to
	busy    bool     // it looks at due before it waits
	closing bool
	over    bool
}

// turn is a member's, and what it is ready for.
type turn struct {
	m     Member
	ready Readiness
}

// Take makes the connection that of a member, which is attended to by id, when there is something
// to read. Its socket leaves the runtime's poller, and c is closed by that. After an error c is
// what it was.
func (l *Loop) Take(c *net.TCPConn, id uint64, m Member) (Socket, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return 0, net.ErrClosed
	}
	s, err := l.set.take(c, id)
	if err == nil {
		l.members[id] = m
	}
	return s, err
}

// Leave has a member attended to.
func (l *Loop) Leave(m Member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	l.due = append(l.due, m)
	if !l.busy {
		l.set.ring()
	}
}

// LeaveIfBusy does so if the loop is in a round anyway, and reports whether it is.
func (l *Loop) LeaveIfBusy(m Member) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy {
		l.due = append(l.due, m)
	}
	return l.busy
}

// Ask says what a member waits for. It is for the member, when it is called.
func (l *Loop) Ask(c Socket, id uint64, what Readiness) error { return l.set.change(c, id, what) }

// Press says whether a member has bounds that are to be judged soon. It is for the member, when it
// is called.
func (l *Loop) Press(m Member, is bool) {
	if is {
		l.pressed[m] = struct{}{}
	} else {
		delete(l.pressed, m)
	}
}

// Remove forgets a member, which has closed its socket. It is for the member, when it is called.
func (l *Loop) Remove(id uint64, m Member) {
	delete(l.pressed, m)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.members, id)
}

// run goes round and round:
//
//  1. wait for sockets that are ready;
//  2. attend to their members;
//  3. look at bounds, when it is time;
//  4. attend to those that were left meanwhile.
func (l *Loop) run() {
	for wait := l.looks.every; ; wait = l.patience() {
		events := l.set.wait(wait)
		now := time.Now()
		for _, t := range l.begin(events) {
			t.m.Attend(t.ready, now)
		}
		l.tick(now)
		for _, m := range l.left() {
			m.Attend(0, now)
		}
		if l.end() {
			_ = l.set.close()
			return
		}
	}
}

// begin is who has a turn.
func (l *Loop) begin(events []event) []turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = true
	for _, e := range events {
		if m := l.members[e.ID]; m != nil {
			l.round = append(l.round, turn{m, e.Ready})
		}
	}
	return l.round
}

// left is who is to be attended to.
func (l *Loop) left() []Member {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due, l.spare = l.spare, l.due
	return l.spare
}

// end ends the round, and reports whether it was the last.
func (l *Loop) end() bool {
	clear(l.round)
	clear(l.spare)
	l.round, l.spare = l.round[:0], l.spare[:0]
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = len(l.due) > 0
	l.over = l.closing && len(l.members) == 0
	return l.over
}

// patience is how long to wait.
func (l *Loop) patience() time.Duration {
	l.mu.Lock()
	busy := l.busy
	l.mu.Unlock()
	if busy {
		return 0
	}
	until := l.looks.next
	if len(l.pressed) > 0 && l.ticks.next.Before(until) {
		until = l.ticks.next
	}
	return max(0, time.Until(until))
}

// tick looks at bounds.
func (l *Loop) tick(now time.Time) {
	if len(l.pressed) > 0 {
		for _, m := range l.ticks.due(now, l.hurried) {
			if _, still := l.pressed[m]; still {
				m.Judge(now)
			}
		}
	}
	for _, m := range l.looks.due(now, l.all) {
		m.Look(now)
	}
}

func (l *Loop) hurried() []Member { return slices.Collect(maps.Keys(l.pressed)) }

func (l *Loop) all() []Member {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.members))
}

// Loops share the connections of a process among them.
type Loops struct {
	most         int
	ticks, looks time.Duration
	work         sync.WaitGroup

	mu     sync.Mutex
	loops  []*Loop // as many as there is use for
	turn   int
	closed bool
}

// NewLoops returns as many loops as most. ticks are between two looks at members that are pressed,
// looks between two at the others.
func NewLoops(most int, ticks, looks time.Duration) *Loops {
	return &Loops{most: most, ticks: ticks, looks: looks}
}

// Next is the loop for one connection more; nil: there is none.
func (s *Loops) Next() *Loop {
	if s == nil || !Works {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	if len(s.loops) < s.most {
		if of, err := newSet(); err == nil {
			l := &Loop{
				set: of, ticks: sweep{every: s.ticks}, looks: sweep{every: s.looks},
				pressed: make(map[Member]struct{}), members: make(map[uint64]Member),
			}
			s.loops = append(s.loops, l)
			s.work.Go(l.run)
		}
	}
	if len(s.loops) == 0 {
		return nil
	}
	s.turn = (s.turn + 1) % len(s.loops)
	return s.loops[s.turn]
}

// Close ends the loops, each with the last of its members, and waits for that as long as ctx lasts.
func (s *Loops) Close(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	for _, l := range s.loops {
		l.close()
	}
	s.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		s.work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

func (l *Loop) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing = true; !l.over {
		l.set.ring()
	}
}
