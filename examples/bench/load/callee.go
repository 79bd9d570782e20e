package main

import (
	"fmt"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// callee rings and answers every INVITE, and every other request with 200. It keeps nothing: a
// retransmission is answered as the first time.
type callee struct{ sender transport.Sender }

var calleeTag = []byte("callee")

func (c *callee) receive(f transport.Flow, b []byte) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	if s.msg.Parse(b) != nil || !s.msg.IsRequest() || s.msg.Method() == sip.ACK {
		return
	}
	s.msg.MarkReceived(f.Remote, false)
	if s.msg.Method() == sip.INVITE {
		c.reply(s, f, 180)
	}
	c.reply(s, f, 200)
}

func (c *callee) reply(s *scratch, f transport.Flow, status int) {
	us := uri("callee", c.sender.Listeners()[f.Listener])
	extra := fmt.Appendf(nil, "Contact: <%s>\r\n", us)
	s.out = sip.AppendReply(s.out[:0], &s.msg, status, "", calleeTag, extra)
	_ = c.sender.Send(f.Target(), s.out, 0) // lost is lost
}
