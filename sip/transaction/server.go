package transaction

import (
	"errors"
	"fmt"

	"sipedge/sip"
	"sipedge/sip/slab"
	"sipedge/sip/transport"
)

// The server transactions, RFC 3261 §17.2 and RFC 6026 §7.1.
//
//	Accept → proceeding
//	1xx    → proceeding
//	2xx    → accepted of an INVITE             L
//	final  → completed                         G and H, or J
//	ACK    → confirmed of an INVITE            I
//	H I J L → gone: User.Ended

var errACK = errors.New("an ACK has no transaction of its own")

// Accept makes the server transaction for a new request (not ACK). Responses
// go to reply. word comes back in Cancelled and Ended. A retransmission that
// raced gives the existing handle and ErrExists.
//
// A transaction other than INVITE that gets no final response ends by itself
// once its client has given up (64·T1) and what it sent has arrived (T4): RFC
// 4320 §4.2 wants no 408 for it.
func (l *Layer) Accept(
	f transport.Flow, m *sip.Message, reply transport.Target, word uint64,
) (Server, error) {
	method := m.MethodName() // a CANCEL accepted here matched no INVITE
	if m.Method() == sip.ACK {
		return Server{}, errACK
	}
	if !l.admit() {
		return Server{}, ErrFull
	}
	now, to := l.now(), l.packer.Pack(reply)
	w := l.work()
	k, old := l.requestKey(m, method)
	sh := l.shardOf(k)
	sh.mu.Lock()
	if i := sh.find(k, false); i != 0 {
		h := sh.handle(i, sh.slots.At(i))
		sh.mu.Unlock()
		l.live.Add(-1)
		l.finish(w)
		return Server{h}, ErrExists
	}
	h, i, s := sh.create(serverProceeding)
	s.key, s.word, s.method = k, word, m.Method()
	s.to = to
	if f.Transport.Reliable() {
		s.flags |= reliable
	}
	if old {
		s.flags |= legacy
	}
	if !s.invite() {
		s.end = now + l.t64 + l.t4
	}
	sh.table.insert(&sh.slots, i)
	sh.rearm(w, i, s, now)
	sh.mu.Unlock()
	l.finish(w)
	return Server{h}, nil
}

func (l *Layer) shardOf(k key) *shard { return &l.shard[k.lo&(slab.Shards-1)] }

// find returns the slot of k. An ACK of an RFC 2543 peer may have another To
// tag than its INVITE: anyTag leaves that to the caller.
func (sh *shard) find(k key, anyTag bool) uint32 {
	i := sh.table.first(k.lo)
	for i != 0 {
		s := sh.slots.At(i)
		if s.key.lo == k.lo && (s.key.hi == k.hi || anyTag) {
			break
		}
		i = s.chain
	}
	return i
}

// Reply sends a response of that status on the server transaction; b is the
// whole message. A 2xx to INVITE may be sent again (RFC 6026); anything else
// after a final gives ErrGone and is not sent. Finals other than 2xx to
// INVITE are retransmitted. Another error means the response could not be
// sent now; the transaction is in the state the response brought it to.
func (l *Layer) Reply(s Server, status int, b []byte) error {
	if len(b) > slab.MaxText {
		return transport.ErrTooLarge
	}
	now := l.now()
	w := l.work()
	sh, i, p := l.lock(s.h)
	if p == nil || !l.replied(sh, p, status, b, now) {
		sh.mu.Unlock()
		l.finish(w)
		return ErrGone
	}
	sh.rearm(w, i, p, now)
	to := p.to
	sh.mu.Unlock()
	l.finish(w)
	if err := l.cfg.Sender.Send(l.packer.Unpack(&to), b, s.h); err != nil {
		l.failed(s.h, err)
		return fmt.Errorf("%w: %w", ErrTransport, err)
	}
	return nil
}

// replied takes a response into the machine. False: it may not be sent.
func (l *Layer) replied(sh *shard, s *slot, status int, b []byte, now int64) bool {
	success := status >= 200 && status < 300
	if s.state == serverAccepted {
		return success
	}
	if s.state != serverProceeding {
		return false
	}
	sh.bufs.Free(&s.msg)
	if s.invite() && success {
		sh.answered(s, serverAccepted)
		s.end = now + l.t64 // L
		return true
	}
	s.msg = sh.bufs.Keep(b)
	switch {
	case status < 200:
		return true
	case s.invite():
		s.end = now + l.t64 // H
		if s.flags&reliable == 0 {
			s.every = uint32(l.t1)
			s.resend = now + l.t1 // G
		}
	case s.flags&reliable != 0:
		s.end = now // J is 0; the next Advance ends it, so that Reply calls no User
	default:
		s.end = now + l.t64 // J
	}
	sh.answered(s, serverCompleted)
	return true
}

// Drop says that s gets no final response: a policy dropped the request.
// Retransmissions of it are absorbed as long as its client can send some
// (64·T1 and T4), then s ends. ErrGone after a final.
func (l *Layer) Drop(s Server) error {
	now := l.now()
	w := l.work()
	sh, i, p := l.lock(s.h)
	err := ErrGone
	if p != nil && p.state == serverProceeding {
		err = nil
		sh.answered(p, serverConfirmed)
		p.end = min(p.end, now+l.t64+l.t4)
		sh.bufs.Free(&p.msg)
		sh.rearm(w, i, p, now)
	}
	sh.mu.Unlock()
	l.finish(w)
	return err
}

// serverEnd is timers H, I, J and L.
func (l *Layer) serverEnd(sh *shard, w *work, i uint32, s *slot) {
	if s.state == serverCompleted && s.invite() {
		sh.stats.Timeouts++ // H: no ACK came
	}
	l.remove(sh, w, i, s)
}
