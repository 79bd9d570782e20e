package gateway

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// Mode is what an operator says of a gateway.
type Mode uint32

const (
	Enabled  Mode = iota
	Drained       // requests within dialogs alone may choose it
	Disabled      // none may, and it is not probed
)

var modes = [...]string{Enabled: "enabled", Drained: "drained", Disabled: "disabled"}

// String is the mode in a word.
func (m Mode) String() string { return modes[m] }

// ParseMode reads what String writes.
func ParseMode(word string) (m Mode, ok bool) {
	i := slices.Index(modes[:], word)
	return Mode(max(i, 0)), i >= 0
}

// State is what is known of a gateway, by set and URI. It outlives policies. All of it may be
// read and written at any time.
type State struct {
	id   uint32
	mode atomic.Uint32

	down  atomic.Bool
	lost  atomic.Bool  // its name has no address
	since atomic.Int64 // Unix nanoseconds: when it went down or up, or was tried last; 0 never
	rose  atomic.Int64 // Unix nanoseconds: when it came back; 0: it always was there

	bad, badProbes, goodProbes atomic.Int32 // in a row

	pace pace // of its answers

	calls atomic.Int64
	full  atomic.Int64 // Unix nanoseconds: when the bucket of Rate will be full again

	addrs   atomic.Pointer[[]netip.AddrPort] // nil: not known
	current atomic.Pointer[Gateway]          // of the policy that runs; nil: it has none
	asking  atomic.Bool                      // a probe is under way
	finding atomic.Bool                      // its name is being looked up

	chosen, failed, probes, unanswered atomic.Uint64
}

// A Request is what matters of one for a choice.
type Request struct {
	Now    time.Time
	Call   bool // an INVITE outside of a dialog
	Dialog bool // within one
}

// ready reports whether a request may choose a gateway. One that is down and not probed is tried
// by one when it is time.
func (g *Gateway) ready(q *Request) bool {
	switch mode := Mode(g.mode.Load()); {
	case mode == Disabled, mode == Drained && !q.Dialog, g.lost.Load():
		return false
	case q.Call && g.MaxCalls > 0 && g.calls.Load() >= int64(g.MaxCalls):
		return false
	case !g.down.Load():
		return true
	}
	return g.set.probe == nil && !q.Dialog && g.dueAgain(q.Now)
}

// dueAgain reports whether a gateway that is down is to be tried.
func (g *Gateway) dueAgain(now time.Time) bool {
	return now.Sub(time.Unix(0, g.since.Load())) >= g.set.passive.retry
}

// take takes what a choice costs; false: another request was first.
func (g *Gateway) take(q *Request) bool {
	if g.down.Load() {
		since := g.since.Load()
		if !g.dueAgain(q.Now) || !g.since.CompareAndSwap(since, q.Now.UnixNano()) {
			return false
		}
	}
	if q.Call && g.Rate.Count > 0 && !g.fill(q.Now) {
		return false
	}
	g.chosen.Add(1)
	return true
}

// fill puts a call into the bucket of Rate; false: it is full.
func (g *Gateway) fill(now time.Time) bool {
	one := int64(g.Rate.Period) / int64(g.Rate.Count)
	for {
		was := g.full.Load()
		at := max(was, now.UnixNano())
		if at-now.UnixNano() > int64(g.Rate.Period)-one {
			return false
		}
		if g.full.CompareAndSwap(was, at+one) {
			return true
		}
	}
}

// share is the weight of a gateway now, in thousandths: of one that came back less at first.
func (g *Gateway) share(now time.Time) int64 {
	whole := int64(g.Weight) * 1000
	rose, slow := g.rose.Load(), int64(g.set.slow)
	if rose == 0 || slow == 0 {
		return whole
	}
	past := max(now.UnixNano()-rose, 0)
	if past >= slow {
		return whole
	}
	return max(whole*(past/1000)/max(slow/1000, 1), whole/10, 1)
}

// fall takes the gateway out; false: it was.
func (s *State) fall(now time.Time) bool {
	if !s.down.CompareAndSwap(false, true) {
		return false
	}
	s.goodProbes.Store(0)
	s.since.Store(now.UnixNano())
	return true
}

// rise brings the gateway back; false: it was there.
func (s *State) rise(now time.Time) bool {
	if !s.down.CompareAndSwap(true, false) {
		return false
	}
	s.bad.Store(0)
	s.badProbes.Store(0)
	s.pace.forget()
	s.since.Store(now.UnixNano())
	s.rose.Store(now.UnixNano())
	return true
}

// heard takes how a request went; changed: the gateway went down or came back.
func (s *State) heard(g *Gateway, good bool, now time.Time) (changed bool) {
	limit := g.set.passive.failures
	switch {
	case limit == 0:
		return false
	case good:
		s.bad.Store(0)
		return g.set.probe == nil && s.rise(now)
	}
	s.failed.Add(1)
	if s.bad.Add(1) < limit {
		return false
	}
	return s.fall(now)
}

// probed takes how a probe went, as heard.
func (s *State) probed(p *probe, good bool, now time.Time) (changed bool) {
	if good {
		s.badProbes.Store(0)
		return s.down.Load() && s.goodProbes.Add(1) >= p.successes && s.rise(now)
	}
	s.unanswered.Add(1)
	s.goodProbes.Store(0)
	return s.badProbes.Add(1) >= p.failures && s.fall(now)
}

// has reports whether an address is one of the gateway's.
func (s *State) has(a netip.Addr) bool {
	list := s.addrs.Load()
	return list != nil && slices.ContainsFunc(*list, func(at netip.AddrPort) bool {
		return at.Addr() == a
	})
}

// At reports whether a gateway stands at an address, as far as names are known: at that port, where
// others stand beside it, else at any.
func (s *Sets) At(to netip.AddrPort, beside bool) bool {
	if s == nil {
		return false
	}
	to = netip.AddrPortFrom(to.Addr().Unmap().WithZone(""), to.Port())
	for _, set := range s.list {
		for _, g := range set.gateways {
			list := g.addrs.Load()
			if list != nil && (slices.Contains(*list, to) || !beside && g.has(to.Addr())) {
				return true
			}
		}
	}
	return false
}

// kept is a State as it was.
type kept struct {
	mode                   uint32
	down, lost             bool
	since, rose, full      int64
	bad, badProbes, goodPs int32
	calls                  int64
	pace                   [3]int64
}

func (s *State) keep() kept {
	return kept{
		s.mode.Load(), s.down.Load(), s.lost.Load(), s.since.Load(), s.rose.Load(), s.full.Load(),
		s.bad.Load(), s.badProbes.Load(), s.goodProbes.Load(), s.calls.Load(),
		s.pace.keep(),
	}
}

func (s *State) putBack(k kept) {
	s.mode.Store(k.mode)
	s.down.Store(k.down)
	s.lost.Store(k.lost)
	s.since.Store(k.since)
	s.rose.Store(k.rose)
	s.full.Store(k.full)
	s.bad.Store(k.bad)
	s.badProbes.Store(k.badProbes)
	s.goodProbes.Store(k.goodPs)
	s.calls.Store(k.calls)
	s.pace.putBack(k.pace)
}
