package transaction

import "time"

// batch bounds how long a shard is locked by Advance.
const batch = 64

// Advance fires every timer due at now and returns when it must be called
// next, traffic or not: no timer is due before. Zero when nothing is armed.
// It may be called earlier, and returns earlier times when a timer far ahead
// comes nearer. Resolution is 10 ms.
func (l *Layer) Advance(now time.Time) (next time.Time) {
	first := l.advanceAll(int64(now.Sub(l.epoch) / resolution))
	// Armed meanwhile, and in no shard looked at since: l.next knows.
	first = min(first, l.sooner(first))
	if first == never {
		return time.Time{}
	}
	return l.epoch.Add(time.Duration(first) * resolution)
}

func (l *Layer) advanceAll(tick int64) (first int64) {
	l.advancing.Add(1)
	defer l.advancing.Add(-1) // a User that panics must not stop the time
	l.next.Store(never)
	first = never
	w := l.work()
	for i := range l.shard {
		first = min(first, l.advance(&l.shard[i], w, tick))
	}
	l.finish(w)
	return first
}

// advance fires a shard's timers and returns when it has to be looked at
// again.
func (l *Layer) advance(sh *shard, w *work, tick int64) (next int64) {
	for {
		fired := 0
		sh.mu.Lock()
		for fired < batch {
			i := sh.wheel.pop(tick)
			if i == 0 {
				break
			}
			l.fire(sh, w, i, tick)
			fired++
		}
		next = sh.wheel.next()
		sh.mu.Unlock()
		l.run(w)
		if fired < batch {
			return next
		}
	}
}

// armed makes a deadline known to the owner if it is the earliest.
func (l *Layer) armed(tick int64) {
	if l.sooner(tick) <= tick || l.cfg.Wake == nil {
		return
	}
	// An Advance under way reads l.next after it has stopped being under way:
	// either it sees tick, or we see that it ended.
	if l.advancing.Load() == 0 {
		l.cfg.Wake(l.epoch.Add(time.Duration(tick) * resolution))
	}
}

// sooner lowers l.next to tick and returns what it was.
func (l *Layer) sooner(tick int64) (was int64) {
	for {
		was = l.next.Load()
		if tick >= was || l.next.CompareAndSwap(was, tick) {
			return was
		}
	}
}

// fire handles a slot whose earlier deadline came.
func (l *Layer) fire(sh *shard, w *work, i uint32, tick int64) {
	s := sh.slots.At(i)
	switch {
	case s.end <= s.resend && s.state.server():
		l.serverEnd(sh, w, i, s)
	case s.end <= s.resend:
		l.clientEnd(sh, w, i, s, tick)
	default:
		l.retransmit(sh, w, i, s, tick)
	}
}

// retransmit is timers A, E and G, and E of a CANCEL.
func (l *Layer) retransmit(sh *shard, w *work, i uint32, s *slot, tick int64) {
	sh.stats.Retransmissions++
	switch {
	case s.flags&cancelSent != 0:
		w.send(sh, s, s.aux, 0)
	default:
		w.send(sh, s, s.msg, sh.handle(i, s))
	}
	s.every *= 2
	if s.state != clientCalling || !s.invite() { // timer A has no limit
		s.every = min(s.every, uint32(l.t2))
	}
	if s.resend += int64(s.every); s.resend <= tick { // time jumped
		s.resend = tick + int64(s.every)
	}
	sh.rearm(w, i, s, tick)
}
