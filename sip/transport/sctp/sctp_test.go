//go:build linux

package sctp

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
	"sipedge/sip/transport/transporttest/guest"
)

func TestMain(m *testing.M) {
	guest.Init()
	goleak.VerifyTestMain(m)
}

var drivers = transport.Drivers{sip.SCTP: Listen}

var anyPort = transport.Listener{
	Transport: sip.SCTP, Addr: netip.MustParseAddrPort("127.0.0.1:0"),
}

// The other tests need a kernel with SCTP. Where this one has none, they run in one that has.
func TestInGuest(t *testing.T) {
	if hasSCTP(t) {
		t.Skip("this kernel has SCTP: the other tests run here")
	}
	guest.Run(t, "^(TestConformance|TestMarks|TestOneMessageEach|TestAddressInUse)$")
}

// A kernel that has no SCTP says so in words.
func TestNoSCTP(t *testing.T) {
	if hasSCTP(t) {
		t.Skip("this kernel has SCTP")
	}
	_, err := transport.NewManager(
		transport.Config{Listeners: []transport.Listener{anyPort}}, drivers)
	want := "listen on sctp 127.0.0.1:0: this kernel has no SCTP (protocol not supported); " +
		"load module sctp"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func hasSCTP(t *testing.T) bool {
	t.Helper()
	m, err := transport.NewManager(
		transport.Config{Listeners: []transport.Listener{anyPort}}, drivers)
	if errors.Is(err, ErrNoSCTP) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return true
}

// needSCTP skips a test that TestInGuest runs elsewhere.
func needSCTP(t *testing.T) {
	t.Helper()
	if !hasSCTP(t) {
		t.Skip("this kernel has no SCTP: TestInGuest runs this in one that has")
	}
}

func world(*testing.T) transporttest.World { return transporttest.Sockets{Drivers: drivers} }

func TestConformance(t *testing.T) {
	needSCTP(t)
	transporttest.Run(t, sip.SCTP, world)
}

func TestMarks(t *testing.T) {
	needSCTP(t)
	transporttest.Marks(t, sip.SCTP, world)
}

func TestAddressInUse(t *testing.T) {
	needSCTP(t)
	n := world(t).Open(t, anyPort)
	defer n.Stop()
	_, err := transport.NewManager(transport.Config{Listeners: n.Listeners()}, drivers)
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second listener: %v", err)
	}
}

// Of SCTP messages each is one SIP message, also without Content-Length, and what is queued
// together leaves one by one; the large one comes in several parts.
func TestOneMessageEach(t *testing.T) {
	needSCTP(t)
	rb := &transporttest.Recorder{}
	w := world(t)
	na, nb := w.Open(t, anyPort), w.Open(t, anyPort)
	na.Start(&transporttest.Recorder{})
	nb.Start(rb)
	defer na.Stop()
	defer nb.Stop()
	to := nb.Listeners()[0].Addr
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := dial(ctx, to.Addr(), 0, to)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	sent := []string{
		"OPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\nbody", "half a message",
		string(transporttest.Text(1, 60000)), "\r\n\r\n", string(transporttest.Text(2, 0)),
	}
	for _, m := range sent {
		if _, err := c.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	w.Until(t, "four messages", func() bool { return len(rb.Messages()) == 4 })
	for i, want := range []string{sent[0], sent[1], sent[2], sent[4]} {
		if got := string(rb.Messages()[i].Data); got != want {
			t.Errorf("message %d: %q, want %q", i, got, want)
		}
	}
	buf := make([]byte, 100)
	n, end, err := c.(conn).ReadPart(buf)
	if string(buf[:n]) != "\r\n" || !end || err != nil {
		t.Errorf("the ping is answered with %q, %v, %v", buf[:n], end, err)
	}
	back := rb.Messages()[0].Flow.Target()
	for i := range 3 {
		if err := nb.Send(back, transporttest.Text(i, 0), 0); err != nil {
			t.Fatal(err)
		}
	}
	buf = make([]byte, 4096)
	for i := range 3 {
		n, end, err := c.(conn).ReadPart(buf)
		if got, want := string(buf[:n]), string(transporttest.Text(i, 0)); got != want || !end {
			t.Errorf("answer %d: %q, %v, %v; want %q", i, got, end, err, want)
		}
	}
}
