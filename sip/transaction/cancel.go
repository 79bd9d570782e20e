package transaction

import (
	"sipedge/sip"
	"sipedge/sip/slab"
)

// CANCEL, RFC 3261 §9, as its client sends it. It is a transaction of its own
// in the RFC; here it lives in its INVITE's slot, which in Proceeding has a
// buffer and a retransmission timer free: resend is its timer E, and the
// 64·T1 §9.1 gives the INVITE from then on is its timer F. It ends with the
// INVITE: after a final a CANCEL has no effect.

// Cancel asks for the CANCEL of an INVITE client transaction, RFC 3261 §9.1:
// now if a 1xx came, else with the first 1xx; nothing after a final. extra
// are whole header lines for it (Reason) or nil. The transaction goes on
// until its final or, 64·T1 after the CANCEL left, ErrTimeout. ErrGone: c is
// stale or was not sent.
func (l *Layer) Cancel(c Client, extra []byte) error {
	now := l.now()
	w := l.work()
	sh, i, s := l.lock(c.h)
	err := ErrGone
	if s != nil && s.state != clientNamed && !s.state.server() {
		err = nil
		if s.invite() && s.state <= clientProceeding && s.flags&cancelWanted == 0 {
			l.cancel(sh, w, i, s, extra, now)
		}
	}
	sh.mu.Unlock()
	l.finish(w)
	return err
}

func (l *Layer) cancel(sh *shard, w *work, i uint32, s *slot, extra []byte, now int64) {
	s.flags |= cancelWanted
	if w.msg.Parse(sh.bufs.Bytes(s.msg)) == nil {
		w.key = sip.AppendCancel(w.key[:0], &w.msg, extra)
		if len(w.key) <= slab.MaxText {
			s.aux = sh.bufs.Keep(w.key)
		}
	}
	if s.state == clientProceeding {
		l.sendCancel(sh, w, s, now)
		sh.rearm(w, i, s, now)
	}
}

// sendCancel sends the CANCEL that cancel kept. The caller rearms.
func (l *Layer) sendCancel(sh *shard, w *work, s *slot, now int64) {
	s.flags |= cancelSent
	s.end = now + l.t64
	if s.aux == (slab.Piece{}) {
		return
	}
	w.send(sh, s, s.aux, 0)
	if s.flags&reliable == 0 {
		s.every = uint32(l.t1)
		s.resend = now + l.t1
	}
}

// cancelAnswered takes a response to the CANCEL.
func (l *Layer) cancelAnswered(
	sh *shard, w *work, i uint32, s *slot, status int, now int64,
) {
	if s.state != clientProceeding {
		return
	}
	if status < 200 {
		s.every = uint32(l.t2)
		return
	}
	s.resend = never
	sh.rearm(w, i, s, now)
}
