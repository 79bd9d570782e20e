package transaction

import (
	"fmt"
	"hash/maphash"
	"time"

	"sipedge/sip"
	"sipedge/sip/slab"
	"sipedge/sip/transport"
)

// The client transactions, RFC 3261 §17.1 and RFC 6026 §7.2.
//
//	Branch  → named
//	Send    → calling                          A or E, B or F
//	1xx     → proceeding                       E, F; INVITE: Timer C
//	2xx     → accepted of an INVITE            M
//	final   → completed                        D or K; INVITE: ACK sent
//	M D K B F, TransportFailed → gone

// Branch makes the handle of a client transaction to be and appends its
// branch parameter value to dst: the magic cookie, the handle with a keyed
// check, then loop (the caller's loop-detection part, RFC 3261 §16.6 step 8,
// token characters only). The caller writes it into the Via of the request
// that it then gives to Send; Abandon frees a handle that will not be used.
func (l *Layer) Branch(dst []byte, loop []byte) (Client, []byte, error) {
	if !l.admit() {
		return Client{}, dst, ErrFull
	}
	sh := &l.shard[l.turn.Add(1)%slab.Shards]
	sh.mu.Lock()
	h, _, _ := sh.create(clientNamed)
	sh.mu.Unlock()
	return Client{h}, l.appendBranch(dst, h, loop), nil
}

// Abandon frees a handle Branch made. It does nothing once Send was called.
func (l *Layer) Abandon(c Client) {
	w := l.work()
	sh, i, s := l.lock(c.h)
	if s != nil && s.state == clientNamed {
		l.remove(sh, w, i, s)
	}
	sh.mu.Unlock()
	l.finish(w)
}

// Send starts the client transaction c with the request m, of which b are the
// bytes (its top Via carries c's branch), to t. What may be sent again, and
// what ACK and CANCEL are derived from, is copied. An error means the
// transaction ended; Response is then not called. ErrGone: c is stale or was
// sent before.
func (l *Layer) Send(
	c Client, m *sip.Message, t transport.Target, b []byte, o Options,
) error {
	if len(b) > slab.MaxText {
		l.Abandon(c)
		return transport.ErrTooLarge
	}
	at, to, method := l.cfg.Clock(), l.packer.Pack(t), m.Method()
	now := l.tick(at)
	w := l.work()
	kept := w.kept(m, b, t.Transport.Reliable())
	sh, i, s := l.lock(c.h)
	if s == nil || s.state != clientNamed {
		sh.mu.Unlock()
		l.finish(w)
		return ErrGone
	}
	s.state, s.method, s.word, s.chain = clientCalling, method, o.Word, o.Mark
	s.to, s.key.hi = to, uint64(at.Sub(l.epoch))
	if o.Aside {
		sh.stats.Unanswered--
		s.flags |= aside
	}
	s.wait = uint32(min(toTicks(o.InviteWait), 1<<31))
	s.end = now + l.t64
	if o.FinalWait > 0 {
		s.end = now + toTicks(o.FinalWait)
	}
	if t.Transport.Reliable() {
		s.flags |= reliable
	} else {
		s.every = uint32(l.t1)
		s.resend = now + l.t1
	}
	if kept != nil {
		s.msg = sh.bufs.Keep(kept)
	}
	sh.rearm(w, i, s, now)
	sh.mu.Unlock()
	l.finish(w)

	if o.Mark != 0 {
		l.cfg.Watch.Began(o.Mark, method)
	}
	err := l.cfg.Sender.Send(t, b, c.h)
	if err == nil || !l.abort(c.h) {
		return nil
	}
	err = fmt.Errorf("%w: %w", ErrTransport, err)
	l.watched(o.Mark, method, nil, err)
	return err
}

// kept is what a client transaction keeps of its request until it has a final
// response: b, all of it, if it may have to be sent again; else, of an INVITE,
// the CANCEL without extra, which has all that an ACK or a CANCEL is made of.
func (w *work) kept(m *sip.Message, b []byte, reliable bool) []byte {
	switch {
	case !reliable:
		return b
	case m.Method() != sip.INVITE:
		return nil
	}
	if w.key = sip.AppendCancel(w.key[:0], m, nil); len(w.key) > len(b) {
		return b
	}
	return w.key
}

// watched tells of the end of a client transaction with a mark.
func (l *Layer) watched(mark uint32, method sip.Method, m *sip.Message, err error) {
	if mark != 0 {
		l.cfg.Watch.Ended(mark, method, m, err)
	}
}

func (s *slot) invite() bool { return s.method == sip.INVITE }

// abort ends a client transaction that has no final response. False: it had
// ended, and the User was told.
func (l *Layer) abort(h uint64) bool {
	w := l.work()
	sh, i, s := l.lock(h)
	sh.stats.Failed++
	waits := s != nil && (s.state == clientCalling || s.state == clientProceeding)
	if waits {
		l.remove(sh, w, i, s)
	}
	sh.mu.Unlock()
	l.finish(w)
	return waits
}

// TransportFailed is transport.User's Failed for a ref this layer gave to
// Send. A client transaction without a final response ends with
// ErrTransport and err. A server transaction stays as it is, RFC 6026 §8.8:
// its timers end it, and a retransmission may still fetch the reply.
func (l *Layer) TransportFailed(ref uint64, err error) { l.failed(ref, err) }

// Undelivered is transport.Undelivered's: b is the beginning of a datagram that did not
// arrive. If it is the request of a client transaction that has heard nothing yet, it ends
// with ErrTransport, RFC 3261 §17.1.4.
func (l *Layer) Undelivered(b []byte) {
	h, _, ok := l.parseBranch(branchIn(b))
	if !ok {
		return
	}
	w := l.work()
	sh, i, s := l.lock(h)
	if s != nil && s.state == clientCalling {
		sh.stats.Failed++
		l.giveUp(sh, w, i, s, ErrTransport)
	}
	sh.mu.Unlock()
	l.finish(w)
}

// failed deals with a message that did not leave because of err.
func (l *Layer) failed(h uint64, err error) {
	w := l.work()
	sh, i, s := l.lock(h)
	sh.stats.Failed++
	if s != nil && (s.state == clientCalling || s.state == clientProceeding) {
		l.giveUp(sh, w, i, s, fmt.Errorf("%w: %w", ErrTransport, err))
	}
	sh.mu.Unlock()
	l.finish(w)
}

// giveUp ends a client transaction that got no final response.
func (l *Layer) giveUp(sh *shard, w *work, i uint32, s *slot, err error) {
	w.todo = append(w.todo, action{
		do: tellError, h: sh.handle(i, s), word: s.word, to: s.to, err: err,
		mark: s.chain, method: s.method,
	})
	l.remove(sh, w, i, s)
}

func (l *Layer) receiveResponse(f transport.Flow, m *sip.Message) {
	var h uint64
	via, ok := m.TopVia()
	if ok {
		h, _, ok = l.parseBranch(via.Branch)
	}
	if !ok {
		l.cfg.User.Stray(f, m)
		return
	}
	at := l.cfg.Clock()
	now := l.tick(at)
	up, stray, word, mark := false, false, uint64(0), uint32(0)
	first, after := uint32(0), time.Duration(0)
	w := l.work()
	sh, i, s := l.lock(h)
	switch {
	case m.Method() == sip.CANCEL && (s == nil || s.invite()): // we sent it
		if s != nil && s.flags&cancelSent != 0 {
			l.cancelAnswered(sh, w, i, s, m.Status(), now)
		}
	case s == nil || s.state.server() || s.state == clientNamed || s.method != m.Method():
		stray = true
	default:
		word = s.word
		if s.state == clientCalling {
			first, after = s.chain, at.Sub(l.epoch)-time.Duration(s.key.hi)
		}
		if m.Status() < 200 {
			up = l.provisional(sh, w, i, s, m, now)
		} else {
			mark, s.chain = s.chain, 0
			up = l.final(sh, w, i, s, m, now)
		}
		if !up {
			sh.stats.Absorbed++
		}
	}
	sh.mu.Unlock()
	l.finish(w)
	switch {
	case stray:
		l.cfg.User.Stray(f, m)
	case up:
		if first != 0 {
			l.cfg.Watch.Answered(first, m.Status(), at, after)
		}
		l.watched(mark, m.Method(), m, nil)
		l.cfg.User.Response(Client{h}, word, f, m, nil)
	}
}

// provisional reports whether the User gets m.
func (l *Layer) provisional(
	sh *shard, w *work, i uint32, s *slot, m *sip.Message, now int64,
) bool {
	first := s.state == clientCalling
	if !first && s.state != clientProceeding {
		return false
	}
	s.state = clientProceeding
	if !s.invite() {
		s.every = uint32(l.t2) // §17.1.2.2
		return true
	}
	if first {
		s.resend, s.end = never, never // A, B
	}
	if s.wait > 0 && s.flags&cancelSent == 0 && (first || m.Status() > 100) {
		s.end = now + int64(s.wait)
	}
	if s.flags&(cancelWanted|cancelSent) == cancelWanted {
		l.sendCancel(sh, w, s, now)
	}
	sh.rearm(w, i, s, now)
	return !l.repeated(s, m, now)
}

// repeated reports whether m is the 1xx again that the User got last, as a
// UAS answers a retransmitted INVITE. Those that mean something are not: one
// every minute keeps Timer C of all proxies from firing (§13.3.1.1), and a
// reliable one is retransmitted end to end (RFC 3262 §3).
func (l *Layer) repeated(s *slot, m *sip.Message, now int64) bool {
	sum := maphash.Bytes(l.seed, m.Raw())
	if sum == s.key.lo && now-int64(s.key.hi) < l.t64 && m.Find("RSeq") < 0 {
		return true
	}
	s.key = key{sum, uint64(now)}
	return false
}

// final reports whether the User gets m.
func (l *Layer) final(sh *shard, w *work, i uint32, s *slot, m *sip.Message, now int64) bool {
	success := m.Status() < 300
	switch {
	case s.state == clientAccepted:
		return success
	case s.state == clientCompleted:
		if s.invite() && !success {
			sh.stats.Retransmissions++
			w.send(sh, s, s.aux, 0)
		}
		return false
	}
	s.resend = never
	switch {
	case s.invite() && success:
		sh.answered(s, clientAccepted)
		s.end = now + l.t64 // M
		sh.bufs.Free(&s.aux)
	case s.invite():
		sh.answered(s, clientCompleted)
		s.end = now + l.d
		l.sendACK(sh, w, s, m)
	default:
		sh.answered(s, clientCompleted)
		s.end = now + l.t4 // K
	}
	sh.bufs.Free(&s.msg)
	if s.state == clientCompleted && s.flags&reliable != 0 {
		l.remove(sh, w, i, s)
	} else {
		sh.rearm(w, i, s, now)
	}
	return true
}

// sendACK acknowledges a final response that is no 2xx, §17.1.1.3.
func (l *Layer) sendACK(sh *shard, w *work, s *slot, m *sip.Message) {
	sh.bufs.Free(&s.aux)
	if w.msg.Parse(sh.bufs.Bytes(s.msg)) != nil {
		return
	}
	off := len(w.out)
	w.out = sip.AppendACK(w.out, &w.msg, m)
	w.todo = append(w.todo, action{do: send, off: off, end: len(w.out), to: s.to})
	if s.flags&reliable == 0 {
		s.aux = sh.bufs.Keep(w.out[off:])
	}
}

// clientEnd is timers B, C, D, F, K, M and the guard of a CANCEL.
func (l *Layer) clientEnd(sh *shard, w *work, i uint32, s *slot, tick int64) {
	switch {
	case s.state == clientAccepted || s.state == clientCompleted:
		l.remove(sh, w, i, s)
	case s.state == clientProceeding && s.invite() && s.flags&cancelSent == 0:
		a := action{do: tellError, h: sh.handle(i, s), word: s.word, to: s.to, err: ErrTimerC}
		w.todo = append(w.todo, a)
		s.end = tick + int64(s.wait) // again, should nobody cancel
		sh.rearm(w, i, s, tick)
	default:
		sh.stats.Timeouts++
		l.giveUp(sh, w, i, s, ErrTimeout)
	}
}
