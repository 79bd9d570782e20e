package poll

import "time"

// atOnce is how many members are looked at without a pause: nobody's message waits longer for it.
const atOnce = 64

// A sweep looks at many members within a period, at some of them at a time.
type sweep struct {
	every time.Duration
	rest  []Member // not looked at in this period
	step  time.Duration
	next  time.Time
}

// due is who is to be looked at; list returns all, when a period begins.
func (s *sweep) due(now time.Time, list func() []Member) []Member {
	if now.Before(s.next) {
		return nil
	}
	if len(s.rest) == 0 {
		s.rest = list()
		s.step = s.every / time.Duration(max(1, (len(s.rest)+atOnce-1)/atOnce))
	}
	n := min(atOnce, len(s.rest))
	some := s.rest[:n:n]
	s.rest = s.rest[n:]
	s.next = now.Add(s.step)
	return some
}
