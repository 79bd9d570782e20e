package porttest

import (
	"fmt"
	"net"
	"runtime"
	"testing"
)

// A port is given once, is none of the system's choice, and goes back with its test.
func TestFree(t *testing.T) {
	seen := map[uint16]bool{}
	for range 100 {
		at := Free(t)
		if seen[at.Port()] {
			t.Fatalf("%s twice", at)
		}
		seen[at.Port()] = true
		if first := ephemeral(); first > least && int(at.Port()) >= first {
			t.Errorf("%s: the system chooses from %d on", at, first)
		}
		l, err := net.Listen("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
	if ephemeral() <= least {
		t.Skip("which ports the system chooses is not known")
	}
	for port := range seen {
		if _, _, ok := take(int(port)); ok {
			t.Fatalf("%d is given to another, too", port)
		}
		break
	}
	var given uint16
	t.Run("of another test", func(t *testing.T) { given = Free(t).Port() })
	_, held, ok := take(int(given))
	if !ok {
		t.Fatalf("%d is still held", given)
	}
	held.Close()
}

// What somebody listens on is not free, whatever his address and transport.
func TestTaken(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.2:0")
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err) // not on each system is all of 127.0.0.0/8 this host
	}
	defer l.Close()
	u, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	for _, a := range []net.Addr{l.Addr(), u.LocalAddr()} {
		var port int
		_, text, _ := net.SplitHostPort(a.String())
		fmt.Sscan(text, &port)
		if _, _, ok := take(port); ok {
			t.Errorf("%s is taken for free", a)
		}
	}
}
