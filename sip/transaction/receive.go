package transaction

import (
	"encoding/binary"
	"encoding/hex"

	"sipedge/sip"
	"sipedge/sip/slab"
	"sipedge/sip/transport"
)

// Receive takes a parsed message. Retransmissions are absorbed and answered
// here, and so are ACK to a non-2xx and CANCEL of a known INVITE; everything
// else goes to the User. The top Via of a request has been marked
// (MarkReceived).
func (l *Layer) Receive(f transport.Flow, m *sip.Message) {
	switch {
	case !m.IsRequest():
		l.receiveResponse(f, m)
	case m.Method() == sip.CANCEL:
		l.receiveCancel(f, m)
	case m.Method() == sip.ACK:
		l.receiveACK(f, m)
	case !l.retransmitted(m):
		l.cfg.User.Request(f, m)
	}
}

// retransmitted reports whether m belongs to a transaction of its own
// method, and answers with the last reply.
func (l *Layer) retransmitted(m *sip.Message) bool {
	if l.live.Load() == 0 { // of a proxy without state, say
		return false
	}
	w := l.work()
	k, _ := l.requestKey(m, m.MethodName())
	sh := l.shardOf(k)
	sh.mu.Lock()
	i := sh.find(k, false)
	if i != 0 {
		s := sh.slots.At(i)
		sh.stats.Absorbed++
		if s.msg != (slab.Piece{}) {
			sh.stats.Retransmissions++
			w.send(sh, s, s.msg, sh.handle(i, s))
		}
	}
	sh.mu.Unlock()
	l.finish(w)
	return i != 0
}

// receiveACK absorbs an ACK to a non-2xx, §17.2.1.
func (l *Layer) receiveACK(f transport.Flow, m *sip.Message) {
	now := l.now()
	w := l.work()
	k, old := l.requestKey(m, inviteName)
	sh := l.shardOf(k)
	sh.mu.Lock()
	i := sh.find(k, old)
	ours := false
	if i != 0 {
		s := sh.slots.At(i)
		ours = s.state != serverAccepted && w.acknowledges(sh, s, m)
		if ours {
			l.acked(sh, w, i, s, now)
		}
	}
	sh.mu.Unlock()
	l.finish(w)
	if !ours {
		l.cfg.User.Request(f, m)
	}
}

// acknowledges is what §17.2.3 asks of an RFC 2543 peer: the ACK's To tag is
// that of the response.
func (w *work) acknowledges(sh *shard, s *slot, m *sip.Message) bool {
	if s.flags&legacy == 0 || s.state != serverCompleted {
		return true
	}
	return string(w.keptTag(sh, s)) == string(m.ToTag())
}

func (l *Layer) acked(sh *shard, w *work, i uint32, s *slot, now int64) {
	switch {
	case s.state != serverCompleted:
		sh.stats.Absorbed++
	case s.flags&reliable != 0:
		l.remove(sh, w, i, s) // I is 0
	default:
		s.state = serverConfirmed
		s.resend, s.end = never, now+l.t4 // I
		sh.bufs.Free(&s.msg)
		sh.rearm(w, i, s, now)
	}
}

// receiveCancel answers the CANCEL of an INVITE transaction, §9.2.
func (l *Layer) receiveCancel(f transport.Flow, m *sip.Message) {
	w := l.work()
	k, _ := l.requestKey(m, inviteName)
	sh := l.shardOf(k)
	sh.mu.Lock()
	i := sh.find(k, false)
	var tell bool
	var h, word uint64
	if i != 0 {
		s := sh.slots.At(i)
		h, word = sh.handle(i, s), s.word
		if s.flags&cancelled != 0 {
			sh.stats.Absorbed++
		}
		tell = s.flags&cancelled == 0 && s.state == serverProceeding
		s.flags |= cancelled
		off := len(w.out)
		w.out = sip.AppendReply(w.out, m, 200, "", l.cancelTag(sh, w, s), nil)
		w.todo = append(w.todo, action{do: send, off: off, end: len(w.out), to: s.to.On(f)})
	}
	sh.mu.Unlock()
	l.finish(w)
	switch {
	case tell:
		l.cfg.User.Cancelled(Server{h}, word, m)
	case i == 0 && !l.retransmitted(m):
		l.cfg.User.Request(f, m)
	}
}

// cancelTag is the To tag of the response to a CANCEL: that of the kept
// reply to the INVITE (§9.2), else one made from the transaction's key, the
// same for every CANCEL.
func (l *Layer) cancelTag(sh *shard, w *work, s *slot) []byte {
	if tag := w.keptTag(sh, s); tag != nil {
		return tag
	}
	h := l.secret.Start()
	h.Word(s.key.lo)
	h.Word(s.key.hi)
	h.Field([]byte("To tag"))
	w.key = binary.LittleEndian.AppendUint64(w.key[:0], h.Sum())
	w.key = hex.AppendEncode(w.key, w.key)
	return w.key[8:]
}

// keptTag is the To tag of the reply that is kept, nil if there is none.
func (w *work) keptTag(sh *shard, s *slot) []byte {
	if s.msg == (slab.Piece{}) || w.msg.Parse(sh.bufs.Bytes(s.msg)) != nil {
		return nil
	}
	return w.msg.ToTag()
}
