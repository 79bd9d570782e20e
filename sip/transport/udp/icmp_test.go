package udp

import (
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/porttest"
	"sipedge/sip/transport/transporttest"
)

// teller is a user that wants to know what did not arrive.
type teller struct {
	transporttest.Recorder
	mu   sync.Mutex
	lost []string
}

func (u *teller) Undelivered(_ transport.Flow, b []byte, _ error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.lost = append(u.lost, string(b))
}

// TestUndelivered sends to a port nobody has: ICMP tells, datagrams to others arrive all the
// same, and the listener goes on.
func TestUndelivered(t *testing.T) { eachTwin(t, undelivered) }

func undelivered(t *testing.T, drivers transport.Drivers) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		m := manager(t, drivers, 1, host+":0")
		u := &teller{}
		m.Start(u)
		nobody := netip.AddrPortFrom(m.Listeners()[0].Addr.Addr(), porttest.Free(t).Port())
		peer, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(
			netip.MustParseAddrPort(host+":0")))
		if err != nil {
			t.Fatal(err)
		}
		defer peer.Close()

		const count = 20
		for range count {
			send(t, m, nobody, "to nobody "+strings.Repeat("x", 300))
			send(t, m, peer.LocalAddr().(*net.UDPAddr).AddrPort(), "to the peer")
		}
		buf := make([]byte, 100)
		for range count {
			if n, err := peer.Read(buf); err != nil || string(buf[:n]) != "to the peer" {
				t.Fatalf("the peer read %q, %v", buf[:n], err)
			}
		}
		transporttest.Eventually(t, "a report", func() bool {
			u.mu.Lock()
			defer u.mu.Unlock()
			return len(u.lost) > 0 && strings.HasPrefix(u.lost[0], "to nobody xxx")
		})
		if m.Stats()[0].Undelivered.Load() == 0 || m.Stats()[0].SendErrors.Load() != 0 {
			t.Errorf("counted %d undelivered, %d send errors",
				m.Stats()[0].Undelivered.Load(), m.Stats()[0].SendErrors.Load())
		}
	}
}

func send(t *testing.T, m *transport.Manager, to netip.AddrPort, text string) {
	t.Helper()
	err := m.Send(transport.Target{Transport: sip.UDP, Listener: 0, Remote: to}, []byte(text), 0)
	if err != nil {
		t.Fatal(err)
	}
}
