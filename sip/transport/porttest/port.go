// Package porttest finds ports for tests: for a server that begins later, or
// ends and begins again, and where nobody is to listen.
// Its one law: whom it gave a port to has it until his test ends.
package porttest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"testing"
)

// least is below where the system's own choice begins, and above what services have.
const least = 10000

// Free is a port of 127.0.0.1 that nobody has, on any address and for either transport. On Linux it
// is none of those that the system gives to who asks for any, as each connection does, and no other
// test that asks here gets it.
func Free(t testing.TB) netip.AddrPort {
	t.Helper()
	from, to := least, ephemeral()
	for range 1000 {
		port := 0 // the system's choice
		if to > from {
			port = from + rand.IntN(to-from)
		}
		if p, held, ok := take(port); ok {
			if held != nil {
				t.Cleanup(func() { held.Close() })
			}
			return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), p)
		}
	}
	t.Fatal("no port is free for both UDP and TCP")
	return netip.AddrPort{}
}

// ephemeral is the first port that the system chooses itself; 0: that is not known.
func ephemeral() (first int) {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0
	}
	if _, err := fmt.Fscan(bytes.NewReader(b), &first); err != nil {
		return 0
	}
	return first
}

// take looks whether a port is free. held keeps it from others who look here; nil: nothing has to.
func take(port int) (found uint16, held io.Closer, ok bool) {
	if port != 0 {
		// A name of the system, in no folder: it goes with the process at the latest.
		l, err := net.Listen("unix", fmt.Sprintf("@sipedge-test-port-%d", port))
		if err != nil {
			return 0, nil, false
		}
		defer func() {
			if !ok {
				l.Close()
			}
		}()
		held = l
	}
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return 0, nil, false
	}
	defer l.Close()
	found = uint16(l.Addr().(*net.TCPAddr).Port)
	u, err := net.ListenPacket("udp", fmt.Sprintf(":%d", found))
	if err != nil {
		return 0, nil, false
	}
	return found, held, u.Close() == nil
}
