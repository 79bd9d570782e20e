package daemon

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/sip"
)

// startOrdered is a daemon that an order may end; its calls wait for a peer that is silent.
func startOrdered(t *testing.T, drain time.Duration) *controlled {
	t.Helper()
	return startTowards(t, listenUDP(t), drain)
}

// startTowards is startOrdered with a peer of the test's.
func startTowards(t *testing.T, peer net.PacketConn, drain time.Duration) *controlled {
	t.Helper()
	c, policy := controlledBy(t, "allow_targets: [127.0.0.0/8]\n")
	relay := fmt.Sprintf("[{relay: {to: \"sip:%s\"}}]", peer.LocalAddr())
	r := &running{
		signals: make(chan os.Signal), ended: make(chan struct{}),
		policy: strings.Replace(policy, "[{reply: {code: 200}}]", relay, 1),
	}
	config := r.config()
	config.Drain = drain
	d, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	r.Daemon, c.running = d, r
	go func() { d.Run(r.signals); close(r.ended) }()
	t.Cleanup(func() {
		select {
		case <-r.ended:
		default:
			c.do(t, "stop", nil, new(control.Drain))
			<-r.ended
		}
	})
	return c
}

// call begins a transaction that nobody answers.
func (c *controlled) call(t *testing.T) {
	t.Helper()
	conn, err := net.Dial("udp", c.log.entry("listening", "addr"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "INVITE sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK1\r\n"+
		"Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\n"+
		"CSeq: 1 INVITE\r\nContact: <sip:a@b>\r\nContent-Length: 0\r\n\r\n", conn.LocalAddr())
	for end := time.Now().Add(10 * time.Second); c.router.Idle(); {
		if time.Now().After(end) {
			t.Fatal("the call does not come")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestOrderDrain(t *testing.T) {
	c := startOrdered(t, time.Minute)
	c.call(t)
	var done control.Drain
	if err := c.do(t, "drain", nil, &done); err != nil || done.State != "draining" ||
		done.Live == 0 || done.Bound != 60 {
		t.Fatalf("%+v, %v", done, err)
	}
	var up control.Uptime
	for end := time.Now().Add(10 * time.Second); up.State != "draining"; {
		if err := c.do(t, "uptime", nil, &up); err != nil || time.Now().After(end) {
			t.Fatalf("%+v, %v", up, err)
		}
	}
	if err := c.do(t, "reload", nil, new(control.Reload)); status(err) != 409 {
		t.Errorf("a reload: %v", err)
	}
	if err := c.do(t, "drain", nil, &done); err != nil {
		t.Errorf("once more: %v", err)
	}
	select {
	case <-c.ended:
		t.Error("it ended, and a call was under way")
	default:
	}
	if err := c.do(t, "stop", nil, &done); err != nil || done.State != "stopping" {
		t.Errorf("%+v, %v", done, err)
	}
	select {
	case <-c.ended:
	case <-time.After(20 * time.Second):
		t.Error("it goes on")
	}
	if _, err := os.Lstat(c.socket); err == nil {
		t.Error("the socket stays")
	}
}

// A drain ends with the final response of the last call, though its transactions linger.
func TestDrainEnds(t *testing.T) {
	peer := listenUDP(t)
	c := startTowards(t, peer, time.Minute)
	c.call(t)
	var done control.Drain
	if err := c.do(t, "drain", nil, &done); err != nil || done.Live == 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	buf := make([]byte, 4096)
	n, from, err := peer.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	var m sip.Message
	if err := m.Parse(buf[:n]); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.ended:
		t.Fatal("it ended, and a call was under way")
	case <-time.After(200 * time.Millisecond):
	}
	peer.WriteTo(sip.AppendReply(nil, &m, 486, "", []byte("t"), nil), from)
	select {
	case <-c.ended:
	case <-time.After(20 * time.Second):
		t.Errorf("it goes on: %+v", c.router.Transactions())
	}
	if c.log.entry("drain: the bound is reached", "level") != "" {
		t.Error("it says that the bound is reached")
	}
}

// Whoever ends an idle server is answered.
func TestOrderEnds(t *testing.T) {
	for _, id := range []string{"drain", "stop"} {
		for range 10 {
			c := startOrdered(t, time.Minute)
			if err := c.do(t, id, nil, new(control.Drain)); err != nil {
				t.Errorf("%s: %v", id, err)
			}
			<-c.ended
		}
	}
}

// The second server of a socket does not start, and opens nothing.
func TestSocketInUse(t *testing.T) {
	c := startControlled(t, "")
	second := &running{policy: c.policy}
	if _, err := Start(second.config()); err == nil ||
		!strings.Contains(err.Error(), "another server answers on it") {
		t.Errorf("got %v", err)
	}
	if second.log.entry("listening", "addr") != "" {
		t.Error("it listens")
	}
	if err := c.do(t, "uptime", nil, new(control.Uptime)); err != nil {
		t.Errorf("the first: %v", err)
	}
}
