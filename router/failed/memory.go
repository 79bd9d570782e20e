package failed

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// Target is who failed.
type Target struct {
	Transport sip.Transport
	Addr      netip.AddrPort
}

// Reason is how.
type Reason uint8

const (
	Refused Reason = iota // it could not be sent to: refused, ICMP, no connection
	Silent                // no response came in time
	Busy                  // it answered 503 with Retry-After
)

// Reasons are the names of each Reason.
var Reasons = [...]string{Refused: "refused", Silent: "silent", Busy: "busy"}

// String is the name of r.
func (r Reason) String() string { return Reasons[r] }

// Entry is what is remembered of a target.
type Entry struct {
	Target
	Reason       Reason
	Since, Until time.Time
}

// Stats are counters since the start; Live is how many targets are failed now.
type Stats struct {
	Failed  [len(Reasons)]uint64 // by Reason
	Skipped uint64               // hops that others were preferred to, or that were left alone
	Live    int
}

const (
	capacity      = 10000     // targets remembered
	maxRetryAfter = time.Hour // however long a 503 says
)

// Memory of failed targets. It is safe for concurrent use; a nil Memory remembers nothing.
type Memory struct {
	clock   func() time.Time
	max     int
	last    atomic.Int64 // when the last entry ends, Unix nanoseconds; 0: there is none
	failed  [len(Reasons)]atomic.Uint64
	skipped atomic.Uint64
	told    func(e Entry, failed bool)

	mu      sync.RWMutex
	entries map[Target]Entry
}

// New makes an empty Memory.
func New(clock func() time.Time) *Memory {
	return &Memory{
		clock: clock, max: capacity, entries: make(map[Target]Entry), told: func(Entry, bool) {},
	}
}

// Watch has f called when a target is remembered that was not, and when one is forgotten before its
// time. It comes before any other method; f is quick and calls none.
func (m *Memory) Watch(f func(e Entry, failed bool)) { m.told = f }

// Order moves the hops that failed behind the others, in place. Those that asked to be left alone
// are taken away, unless all of them must stay.
func (m *Memory) Order(hops []resolve.Hop, all bool) []resolve.Hop {
	now, some := m.now()
	if !some {
		return hops
	}
	var room [8]resolve.Hop
	kept, behind := hops[:0], room[:0]
	m.mu.RLock()
	for _, h := range hops {
		e, ok := m.entries[Target{h.Transport, h.Addr}]
		switch {
		case !ok || !now.Before(e.Until):
			kept = append(kept, h)
		case all || e.Reason != Busy:
			behind = append(behind, h)
		}
	}
	m.mu.RUnlock()
	if n := len(kept); n > 0 || len(behind) < len(hops) {
		m.skipped.Add(uint64(len(hops) - n))
	}
	return append(kept, behind...)
}

// now is the time; some false: nothing has failed.
func (m *Memory) now() (t time.Time, some bool) {
	if m == nil {
		return t, false
	}
	last := m.last.Load()
	if last == 0 {
		return t, false
	}
	if t = m.clock(); t.UnixNano() < last {
		return t, true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.Load() == last { // nothing failed meanwhile
		clear(m.entries)
		m.last.Store(0)
	}
	return t, false
}

// Refuse remembers for so long that a hop could not be sent to. That a connection has ended says
// nothing of others.
func (m *Memory) Refuse(h resolve.Hop, lasts time.Duration) {
	if h.Conn == 0 {
		m.note(Target{h.Transport, h.Addr}, Refused, lasts)
	}
}

// Lost learns why no response to a request came from f, and remembers it for so long.
func (m *Memory) Lost(f transport.Flow, err error, lasts time.Duration) {
	t := Target{f.Transport, f.Remote}
	switch {
	case f.Conn != 0, transport.Ours(err):
	case errors.Is(err, transaction.ErrTransport):
		m.note(t, Refused, lasts)
	case errors.Is(err, transaction.ErrTimeout):
		m.note(t, Silent, lasts)
	}
}

// Heard learns from a response from f: a 503 with Retry-After counts for the time it says, and any
// other says that its sender is well. Nothing is remembered with lasts 0.
func (m *Memory) Heard(f transport.Flow, r *sip.Message, lasts time.Duration) {
	t := Target{f.Transport, f.Remote}
	if r.Status() == 503 {
		if wait := retryAfter(r); wait > 0 && lasts > 0 {
			m.note(t, Busy, wait)
		}
		return
	}
	now, some := m.now()
	if !some {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[t]; ok && e.Reason != Busy {
		delete(m.entries, t)
		if now.Before(e.Until) {
			m.told(e, false)
		}
	}
}

// note remembers a failure. Of two of a target the one that ends last counts.
func (m *Memory) note(t Target, why Reason, lasts time.Duration) {
	if m == nil || lasts <= 0 {
		return
	}
	m.failed[why].Add(1)
	now := m.clock()
	e := Entry{t, why, now, now.Add(lasts)}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, known := m.entries[t]
	switch {
	case known && old.Until.After(e.Until):
		return
	case !known && len(m.entries) >= m.max:
		for other := range m.entries { // any of them
			delete(m.entries, other)
			break
		}
	}
	m.entries[t] = e
	m.last.Store(max(m.last.Load(), e.Until.UnixNano()))
	if !known || !now.Before(old.Until) {
		m.told(e, true)
	}
}

// List is what is remembered, by address.
func (m *Memory) List() (list []Entry) {
	now, _ := m.now()
	m.mu.RLock()
	for _, e := range m.entries {
		if now.Before(e.Until) {
			list = append(list, e)
		}
	}
	m.mu.RUnlock()
	slices.SortFunc(list, func(a, b Entry) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Transport, b.Transport))
	})
	return list
}

// Clear forgets the failures of an address, of all its ports and transports unless port and
// transport are given (0: any); the zero address is everybody's. It returns how many there were.
func (m *Memory) Clear(addr netip.Addr, port uint16, t sip.Transport) (n int) {
	now, _ := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, e := range m.entries {
		if addr.IsValid() && k.Addr.Addr() != addr || port != 0 && k.Addr.Port() != port ||
			t != sip.NoTransport && k.Transport != t {
			continue
		}
		if now.Before(e.Until) {
			n++
			m.told(e, false)
		}
		delete(m.entries, k)
	}
	return n
}

// Stats returns the counters.
func (m *Memory) Stats() Stats {
	s := Stats{Skipped: m.skipped.Load(), Live: len(m.List())}
	for i := range s.Failed {
		s.Failed[i] = m.failed[i].Load()
	}
	return s
}

// retryAfter is what a response says, RFC 3261 §20.33; 0: nothing.
func retryAfter(r *sip.Message) time.Duration {
	i := r.First(sip.RetryAfter)
	if i < 0 {
		return 0
	}
	seconds := time.Duration(0)
	for _, c := range r.Value(i) {
		if c < '0' || c > '9' || seconds > maxRetryAfter/time.Second {
			break
		}
		seconds = seconds*10 + time.Duration(c-'0')
	}
	return min(seconds*time.Second, maxRetryAfter)
}
