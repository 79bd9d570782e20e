package main

import (
	"fmt"
	"net/netip"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// callee rings and answers every INVITE, and every other request with 200. It keeps nothing: a
// retransmission is answered as the first time.
type callee struct {
	sender  transport.Sender
	contact netip.AddrPort
	msg     sip.Message
	out     []byte
}

var calleeTag = []byte("callee")

// receive runs on the one goroutine that reads the callee's socket.
func (c *callee) receive(f transport.Flow, b []byte) {
	if c.msg.Parse(b) != nil || !c.msg.IsRequest() || c.msg.Method() == sip.ACK {
		return
	}
	c.msg.MarkReceived(f.Remote, false)
	if c.msg.Method() == sip.INVITE {
		c.reply(f, 180)
	}
	c.reply(f, 200)
}

func (c *callee) reply(f transport.Flow, status int) {
	extra := fmt.Appendf(nil, "Contact: <sip:callee@%s>\r\n", c.contact)
	c.out = sip.AppendReply(c.out[:0], &c.msg, status, "", calleeTag, extra)
	_ = c.sender.Send(f.Target(), c.out, 0) // lost is lost
}
