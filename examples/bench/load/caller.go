package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// Timers of RFC 3261 §17.
const (
	t1      = 500 * time.Millisecond
	t2      = 4 * time.Second
	maxLive = 1 << 18 // calls at once

	beat = time.Millisecond      // of the calls that begin
	look = 20 * time.Millisecond // at what has to be sent again
)

// call is one slot of the caller; its Call-ID names the slot, its generation, and this run.
type call struct {
	mu    sync.Mutex
	gen   uint32
	phase *phase // nil: the slot is free
	began time.Time
	bye   bool
	msg   []byte // sent again until it is answered
	next  time.Time
	every time.Duration
	ends  time.Time
}

// line is one way to call: from a listener of the caller to one of the callee.
type line struct {
	target transport.Target // the proxy, from the listener
	via    string           // of the listener: protocol and sent-by
	us     string           // URIs
	to     string
}

// caller makes calls through a proxy.
type caller struct {
	sender   transport.Sender
	lines    []line // calls take them by turns
	reliable bool   // nothing is sent again
	patience time.Duration
	run      string // random: a proxy still knows the calls of the run before

	calls []call
	mu    sync.Mutex // guards what follows
	free  []uint32   // the lowest last
	used  int        // calls of more have never been
}

// scratch is what is needed to deal with a message.
type scratch struct {
	msg sip.Message
	out []byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func newCaller(s transport.Sender, lines []line, patience time.Duration) *caller {
	c := &caller{
		sender: s, lines: lines, reliable: lines[0].target.Transport.Reliable(),
		patience: patience, run: rand.Text(), calls: make([]call, maxLive),
	}
	for i := range c.calls {
		c.free = append(c.free, uint32(maxLive-1-i))
	}
	return c
}

// line is that of a call.
func (c *caller) line(i uint32) *line { return &c.lines[int(i)%len(c.lines)] }

// offer begins the calls of a phase, each at its time.
func (c *caller) offer(ctx context.Context, p *phase) {
	p.begin()
	begun := 0
	end := p.began.Add(p.Length)
	resent, shown := p.began, p.began
	for ctx.Err() == nil {
		now := time.Now()
		due := int(float64(min(now.Sub(p.began), p.Length)) / float64(time.Second) * float64(p.Rate))
		for ; begun < due; begun++ {
			c.invite(p)
		}
		if now.Sub(resent) >= look {
			c.resend(now)
			resent = now
		}
		if now.Sub(shown) >= time.Second {
			p.sample()
			p.show(os.Stderr)
			shown = now
		}
		if now.After(end) {
			break
		}
		time.Sleep(beat)
	}
	p.end()
}

// settle waits until no call is left.
func (c *caller) settle(ctx context.Context) {
	for ctx.Err() == nil {
		c.mu.Lock()
		left := maxLive - len(c.free)
		c.mu.Unlock()
		if left == 0 {
			return
		}
		c.resend(time.Now())
		time.Sleep(look)
	}
}

const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
	"m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n" +
	"a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

// invite begins a call.
func (c *caller) invite(p *phase) {
	p.offered.Add(1)
	c.mu.Lock()
	if len(c.free) == 0 {
		c.mu.Unlock()
		p.failed.Add(1)
		return
	}
	i := c.free[len(c.free)-1]
	c.free = c.free[:len(c.free)-1]
	c.used = max(c.used, int(i)+1)
	c.mu.Unlock()
	k := &c.calls[i]
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gen++
	k.phase, k.began, k.bye = p, time.Now(), false
	l := c.line(i)
	k.msg = c.head(k.msg[:0], i, k.gen, "INVITE", l.to, "", 1)
	k.msg = fmt.Appendf(k.msg, "Contact: <%s>\r\nUser-Agent: sipedge-load\r\n"+
		"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", l.us, len(sdp), sdp)
	c.send(i, k)
}

// head appends the start line and what every request of a call has.
func (c *caller) head(b []byte, i, gen uint32, method, uri, toTag string, cseq int) []byte {
	l := c.line(i)
	b = fmt.Appendf(b, "%s %s SIP/2.0\r\nVia: %s;rport;branch=z9hG4bK%s-%d-%d-%s\r\n",
		method, uri, l.via, c.run, i, gen, method)
	b = fmt.Appendf(b, "Max-Forwards: 70\r\nFrom: <%s>;tag=%d-%d\r\n", l.us, i, gen)
	b = fmt.Appendf(b, "To: <%s>%s\r\nCall-ID: %d-%d-%s\r\nCSeq: %d %s\r\n",
		l.to, toTag, i, gen, c.run, cseq, method)
	return b
}

// send sends k's message, and by UDP again until it is answered.
func (c *caller) send(i uint32, k *call) {
	now := time.Now()
	k.every, k.next, k.ends = t1, now.Add(t1), now.Add(c.patience)
	if c.reliable {
		k.next = k.ends
	}
	_ = c.sender.Send(c.line(i).target, k.msg, 0)
}

// resend sends again what is due.
func (c *caller) resend(now time.Time) {
	c.mu.Lock()
	used := c.calls[:c.used]
	c.mu.Unlock()
	for i := range used {
		k := &used[i]
		k.mu.Lock()
		switch {
		case k.phase == nil:
		case now.After(k.ends):
			k.phase.failed.Add(1)
			c.end(uint32(i), k)
		case now.After(k.next):
			k.phase.resent.Add(1)
			if k.every *= 2; k.bye {
				k.every = min(k.every, t2)
			}
			k.next = now.Add(k.every)
			_ = c.sender.Send(c.line(uint32(i)).target, k.msg, 0)
		}
		k.mu.Unlock()
	}
}

// end gives a slot back.
func (c *caller) end(i uint32, k *call) {
	k.phase = nil
	c.mu.Lock()
	c.free = append(c.free, i)
	c.mu.Unlock()
}

// find reads a Call-ID; ok is false when it is of no call under way.
func (c *caller) find(callID []byte) (i uint32, k *call, ok bool) {
	a, b, _ := bytes.Cut(callID, []byte("-"))
	b, run, _ := bytes.Cut(b, []byte("-"))
	n, err := strconv.ParseUint(string(a), 10, 32)
	gen, err2 := strconv.ParseUint(string(b), 10, 32)
	if err != nil || err2 != nil || n >= maxLive || string(run) != c.run {
		return 0, nil, false
	}
	k = &c.calls[n]
	k.mu.Lock()
	if k.phase == nil || k.gen != uint32(gen) {
		k.mu.Unlock()
		return 0, nil, false
	}
	return uint32(n), k, true
}

// receive takes a response.
func (c *caller) receive(b []byte) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	m := &s.msg
	if m.Parse(b) != nil || m.IsRequest() {
		return
	}
	i, k, ok := c.find(m.CallID())
	if !ok {
		return
	}
	defer k.mu.Unlock()
	switch {
	case k.bye != (m.Method() == sip.BYE):
	case m.Status() < 200:
		k.next = k.ends // timer A is stopped, RFC 3261 §17.1.1.2
	case k.bye && m.Status() < 300:
		k.phase.completed.Add(1)
		c.end(i, k)
	case m.Status() < 300:
		k.phase.answered(k.began)
		c.hangUp(s, i, k)
	default:
		if !k.bye {
			c.acknowledge(s, i, k)
		}
		if m.Status() == 503 {
			k.phase.refusedAfter(time.Since(k.began))
		} else {
			k.phase.failed.Add(1)
		}
		c.end(i, k)
	}
}

// acknowledge sends the ACK to a refusal.
func (c *caller) acknowledge(s *scratch, i uint32, k *call) {
	var invite sip.Message
	if invite.Parse(k.msg) == nil {
		s.out = sip.AppendACK(s.out[:0], &invite, &s.msg)
		_ = c.sender.Send(c.line(i).target, s.out, 0)
	}
}

// hangUp acknowledges an answer and ends the call, by its route set.
func (c *caller) hangUp(s *scratch, i uint32, k *call) {
	m := &s.msg
	var uri, toTag string
	if e, ok := m.FirstElement(sip.Contact); ok {
		if a, err := sip.ParseNameAddr(e.Value); err == nil {
			uri = string(a.URI)
		}
	}
	toTag = ";tag=" + string(m.ToTag())
	var routes []byte
	for e, ok := m.FirstElement(sip.RecordRoute); ok; e, ok = m.NextElement(e) {
		line := fmt.Appendf(nil, "Route: %s\r\n", e.Value)
		routes = append(line, routes...)
	}
	finish := func(b []byte) []byte {
		return append(append(b, routes...), "Content-Length: 0\r\n\r\n"...)
	}
	s.out = finish(c.head(s.out[:0], i, k.gen, "ACK", uri, toTag, 1))
	_ = c.sender.Send(c.line(i).target, s.out, 0)
	k.bye = true
	k.msg = finish(c.head(k.msg[:0], i, k.gen, "BYE", uri, toTag, 2))
	c.send(i, k)
}
