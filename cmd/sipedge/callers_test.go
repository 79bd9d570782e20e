package main

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"
)

// callers call one callee through a server, and note how long the 200 to each INVITE took.
type callers struct {
	caller, callee *net.UDPConn
	running        sync.WaitGroup

	mu     sync.Mutex
	calls  []invited
	failed map[int]int // final answers that are no 200, by status
}

// invited is a call.
type invited struct {
	sent, first time.Time // the INVITE, last and first
	took        time.Duration
	done        bool
}

const (
	resend  = 500 * time.Millisecond // T1: UDP may lose one
	answers = 10 * time.Second       // a call without one has failed
)

func newCallers(t *testing.T) *callers {
	t.Helper()
	c := &callers{failed: map[int]int{}}
	for _, conn := range []**net.UDPConn{&c.caller, &c.callee} {
		var err error
		*conn, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
	}
	c.running.Go(c.accept)
	c.running.Go(c.read)
	t.Cleanup(func() {
		c.caller.Close()
		c.callee.Close()
		c.running.Wait()
	})
	return c
}

// contact is where the callee is.
func (c *callers) contact() string { return fmt.Sprintf("sip:callee@%s", c.callee.LocalAddr()) }

// accept answers every request with 200.
func (c *callers) accept() {
	buf := make([]byte, 8192)
	for {
		n, from, err := c.callee.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		var out bytes.Buffer
		out.WriteString("SIP/2.0 200 OK\r\n")
		for line := range bytes.Lines(buf[:n]) {
			name, _, _ := bytes.Cut(line, []byte(":"))
			switch string(name) {
			case "Via", "From", "Call-ID", "CSeq":
				out.Write(line)
			case "To":
				out.Write(bytes.TrimRight(line, "\r\n"))
				out.WriteString(";tag=callee\r\n")
			}
		}
		fmt.Fprintf(&out, "Contact: <%s>\r\nContent-Length: 0\r\n\r\n", c.contact())
		_, _ = c.callee.WriteToUDPAddrPort(out.Bytes(), from)
	}
}

// run calls at a rate until stop is closed.
func (c *callers) run(to netip.AddrPort, rate int, stop <-chan struct{}) {
	for n, began := 0, time.Now(); ; n++ {
		select {
		case <-stop:
			return
		case <-time.After(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(rate)))):
		}
		c.mu.Lock()
		now := time.Now()
		c.calls = append(c.calls, invited{sent: now, first: now})
		c.invite(to, len(c.calls)-1)
		c.mu.Unlock()
		c.again(to)
	}
}

// again repeats each INVITE that has waited for its answer for a while.
func (c *callers) again(to netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for i := range c.calls {
		if one := &c.calls[i]; !one.done && now.Sub(one.sent) > resend {
			one.sent = now
			c.invite(to, i)
		}
	}
}

func (c *callers) invite(to netip.AddrPort, i int) {
	fmt.Fprintf(writerTo{c.caller, to}, "INVITE sip:callee@example.net SIP/2.0\r\n"+
		"Via: SIP/2.0/UDP %s;branch=z9hG4bKcall%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:caller@example.net>;tag=%d\r\nTo: <sip:callee@example.net>\r\n"+
		"Call-ID: call-%d\r\nCSeq: 1 INVITE\r\nContact: <sip:caller@%s>\r\n"+
		"Content-Length: 0\r\n\r\n", c.caller.LocalAddr(), i, i, i, c.caller.LocalAddr())
}

var invitedAnswer = regexp.MustCompile(`(?s)^SIP/2.0 (\d+).*\r\nCall-ID: call-(\d+)\r\n`)

func (c *callers) read() {
	buf := make([]byte, 8192)
	for {
		n, _, err := c.caller.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		m := invitedAnswer.FindSubmatch(buf[:n])
		if m == nil {
			continue
		}
		status, _ := strconv.Atoi(string(m[1]))
		i, _ := strconv.Atoi(string(m[2]))
		c.mu.Lock()
		if one := &c.calls[i]; status >= 200 && !one.done {
			one.done, one.took = true, time.Since(one.first)
			if status != 200 {
				c.failed[status]++
			}
		}
		c.mu.Unlock()
	}
}

// since returns how long the calls from a number on took, how many there are, and how many of them
// have failed or have no answer.
func (c *callers) since(first int) (took []time.Duration, failed int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.calls[first:] {
		switch {
		case one.done:
			took = append(took, one.took)
		case time.Since(one.first) > answers:
			failed++
		}
	}
	for _, n := range c.failed {
		failed += n
	}
	return took, failed
}

func (c *callers) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.calls)
}
