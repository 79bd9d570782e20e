package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

const (
	idleConnections = 10_000
	badMessageTime  = 2 * time.Second
)

// badPolicy answers OPTIONS and carries calls, with bounds a test can reach. idleConnections are
// those let in, three quarters of all.
func badPolicy(callee netip.AddrPort) string {
	return testHead + fmt.Sprintf(`
limits:
  connections: %d
  connections_per_source: %d
  message_time: %ds
  queue: 64KiB
`, idleConnections*4/3, idleConnections,
		int(badMessageTime.Seconds())) + withinDialogs + fmt.Sprintf(`
    - name: are you there
      match: {method: OPTIONS}
      do: [{reply: {code: 200}}]
    - name: calls
      do: [{record_route: {}}, {relay: {to: "sip:%s"}}]
`, callee)
}

// TestBadInput does to a running server what strangers do, while calls go through it. When
// they have gone it holds what it held before.
func TestBadInput(t *testing.T) {
	needs(t, "sipp")
	raiseFiles(t, idleConnections+1000)
	l := endless(50)
	callee, at := startUAS(t, "uas", "udp", "127.0.0.1", l)
	s := startServer(t, badPolicy(at))
	tcp, udp := s.addr("tcp", false), s.addr("udp", false)
	for range runtime.NumCPU() { // each loop that reads connections begins with its first
		if err := options(tcp); err != nil {
			t.Fatal(err)
		}
	}
	before := s.settled(figures{})
	t.Logf("at the start: %+v", before)
	caller := startUAC(t, "uac", "udp", udp, l)
	for _, attack := range []struct {
		name string
		run  func(t *testing.T, s *server, udp, tcp netip.AddrPort)
	}{
		{"random bytes", randomBytes},
		{"truncated messages", truncated},
		{"a 70 kB message over TCP", tooLarge},
		{"idle connections", idle},
		{"a peer that never reads", neverReads},
		{"slowloris", slowloris},
	} {
		if !t.Run(attack.name, func(t *testing.T) { attack.run(t, s, udp, tcp) }) {
			break
		}
		await(t, 10*time.Second, func() (string, bool) { // it may be letting go of what ended yet
			err := options(tcp)
			return fmt.Sprintf("after %s: %v", attack.name, err), err == nil
		})
		t.Logf("after %s: %+v", attack.name, s.settled(before))
	}
	finishCalls(t, caller, callee)
	after := s.settled(before)
	t.Logf("at the end: %+v", after)
	if after.FDs > before.FDs || after.Goroutines > before.Goroutines {
		t.Errorf("descriptors and goroutines grew from %+v to %+v", before, after)
	}
}

// settled waits until the server holds no more than want, or for the first figures that stay.
func (s *server) settled(want figures) figures {
	s.t.Helper()
	last := s.figures()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); {
		time.Sleep(200 * time.Millisecond)
		now := s.figures()
		held := now.FDs == last.FDs && now.Goroutines == last.Goroutines
		last = now
		if want == (figures{}) && held {
			break
		}
		if want != (figures{}) && now.FDs <= want.FDs && now.Goroutines <= want.Goroutines {
			break
		}
	}
	return last
}

func optionsRequest(local string) []byte {
	return fmt.Appendf(nil, "OPTIONS sip:edge@127.0.0.1 SIP/2.0\r\n"+
		"Via: SIP/2.0/TCP %s;branch=z9hG4bK%x\r\nMax-Forwards: 70\r\n"+
		"From: <sip:test@127.0.0.1>;tag=1\r\nTo: <sip:edge@127.0.0.1>\r\n"+
		"Call-ID: %x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		local, rand.Uint64(), rand.Uint64())
}

// options asks the server over TCP whether it is there.
func options(tcp netip.AddrPort) error {
	conn, err := net.DialTimeout("tcp", tcp.String(), 10*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write(optionsRequest(conn.LocalAddr().String())); err != nil {
		return err
	}
	var head [12]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return err
	}
	if string(head[:]) != "SIP/2.0 200 " {
		return fmt.Errorf("OPTIONS got %q", head)
	}
	return nil
}

func dial(t *testing.T, to netip.AddrPort) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", to.String(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// closedWithin fails when the server does not end the connection in time.
func closedWithin(t *testing.T, conn net.Conn, bound time.Duration) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(bound))
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection is still open after %v", bound)
	}
}

// sendDatagrams sends as fast as the server takes what comes: what its socket has no room for is
// lost, and messages of calls with it.
func sendDatagrams(t *testing.T, s *server, to netip.AddrPort, each func(send func([]byte))) {
	t.Helper()
	const room = 100 // datagrams that every system's buffer has room for
	sent := 0
	taken := func() int {
		return int(s.metric(`sipedge_transport_messages_received_total{transport="udp"}`))
	}
	before := taken()
	conn, err := net.Dial("udp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	each(func(b []byte) {
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
		if sent++; sent%room == 0 {
			await(t, 20*time.Second, func() (string, bool) { // a few are blank and no message
				n := taken() - before
				return fmt.Sprintf("%d of %d datagrams are taken", n, sent), n > sent-room/2
			})
		}
	})
}

func randomBytes(t *testing.T, s *server, udp, tcp netip.AddrPort) {
	r := rand.NewChaCha8([32]byte{1})
	buf := make([]byte, 1500)
	sendDatagrams(t, s, udp, func(send func([]byte)) {
		for n := range 3000 {
			r.Read(buf)
			send(buf[:n%len(buf)])
		}
	})
	for range 100 {
		conn := dial(t, tcp)
		r.Read(buf)
		conn.Write(buf)
		conn.Close()
	}
}

func truncated(t *testing.T, s *server, udp, tcp netip.AddrPort) {
	whole := optionsRequest("127.0.0.1:9")
	sendDatagrams(t, s, udp, func(send func([]byte)) {
		for n := range whole {
			send(whole[:n])
		}
	})
	for n := 0; n < len(whole); n += 7 {
		conn := dial(t, tcp)
		conn.Write(whole[:n])
		conn.Close()
	}
}

func tooLarge(t *testing.T, _ *server, _, tcp netip.AddrPort) {
	conn := dial(t, tcp)
	body := bytes.Repeat([]byte("x"), 70_000)
	message := bytes.Replace(optionsRequest(conn.LocalAddr().String()),
		[]byte("Content-Length: 0"), fmt.Appendf(nil, "Content-Length: %d", len(body)), 1)
	conn.Write(append(message, body...))
	closedWithin(t, conn, 20*time.Second)
}

// idle fills the server up to its limit: the next connection is refused, and once one has
// gone the next is let in.
func idle(t *testing.T, s *server, _, tcp netip.AddrPort) {
	open := make([]net.Conn, 0, idleConnections)
	defer func() {
		for _, c := range open {
			c.(*net.TCPConn).SetLinger(0) // others may want the ports
			c.Close()
		}
	}()
	for len(open) < idleConnections {
		open = append(open, dial(t, tcp))
	}
	await(t, 30*time.Second, func() (string, bool) {
		now := s.figures()
		return fmt.Sprintf("%+v", now), now.FDs >= idleConnections
	})
	t.Logf("%d connections open: %+v", len(open), s.figures())
	closedWithin(t, dial(t, tcp), 10*time.Second)
	open[0].Close()
	await(t, 10*time.Second, func() (string, bool) {
		err := options(tcp)
		return fmt.Sprint(err), err == nil
	})
}

// neverReads asks and asks and never takes an answer.
func neverReads(t *testing.T, _ *server, _, tcp netip.AddrPort) {
	conn := dial(t, tcp)
	request := optionsRequest(conn.LocalAddr().String())
	var err error
	for end := time.Now().Add(60 * time.Second); err == nil && time.Now().Before(end); {
		conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
		_, err = conn.Write(request)
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the server still takes requests of a peer that never reads: %v", err)
	}
}

// slowloris sends a message a byte at a time, on many connections.
func slowloris(t *testing.T, _ *server, _, tcp netip.AddrPort) {
	conns := make([]net.Conn, 200)
	for i := range conns {
		conns[i] = dial(t, tcp)
	}
	whole := optionsRequest("127.0.0.1:9")
	for n := range int(badMessageTime/(100*time.Millisecond)) + 5 {
		for _, c := range conns {
			c.Write(whole[n : n+1])
		}
		time.Sleep(100 * time.Millisecond)
	}
	for _, c := range conns {
		closedWithin(t, c, 10*time.Second)
	}
}

// raiseFiles makes room for n descriptors, in this process and the server's.
func raiseFiles(t *testing.T, n uint64) {
	t.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	want := syscall.Rlimit{Cur: max(l.Cur, n), Max: max(l.Max, n)}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &want); err != nil {
		if os.Getenv("SIPEDGE_REQUIRE_REAL") == "1" {
			t.Fatalf("%d descriptors: %v", n, err)
		}
		t.Skipf("%d descriptors: %v (ulimit -n)", n, err)
	}
}
