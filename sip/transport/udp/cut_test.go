package udp

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sipedge/sip/transport"
)

// What was held arrives as it was sent, and what went to one remote in its order, however the
// system takes it: datagrams of one size or several, to one remote or several.
func TestWhatWasHeldArrives(t *testing.T) {
	for name, open := range map[string]opener{"best": openBest, "portable": openNet} {
		for _, local := range []string{"127.0.0.1:0", "0.0.0.0:0", "[::1]:0"} {
			t.Run(name+" "+local, func(t *testing.T) {
				heldArrives(t, open, netip.MustParseAddrPort(local))
			})
		}
	}
}

func heldArrives(t *testing.T, open opener, local netip.AddrPort) {
	conn, _, err := open(transport.Listener{Addr: local}, unshared)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	o := newOutbox(&transport.Env{Stats: new(transport.Stats)}, conn)
	address := "127.0.0.1:0"
	if local.Addr().Is6() {
		address = "[::1]:0"
	}
	var remotes []*net.UDPConn
	for range 2 {
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		remotes = append(remotes, c)
	}
	sizes := []int{1, 2, 300, 700, 1232, 1233, 9000}
	got := make([]byte, maxDatagram)
	rapid.Check(t, func(t *rapid.T) {
		sent := make([][][]byte, len(remotes))
		o.hold()
		for i := range rapid.IntRange(1, maxHeld).Draw(t, "datagrams") {
			r := rapid.IntRange(0, len(remotes)-1).Draw(t, "remote")
			b := bytes.Repeat([]byte{byte('A' + i)}, rapid.SampledFrom(sizes).Draw(t, "size"))
			sent[r] = append(sent[r], b)
			to := transport.Target{Remote: remotes[r].LocalAddr().(*net.UDPAddr).AddrPort()}
			if local.Addr() == netip.IPv4Unspecified() {
				to.Local = netip.MustParseAddr("127.0.0.2")
			}
			if err := o.send(&to, b, 0); err != nil {
				t.Fatal(err)
			}
		}
		o.release()
		for r, list := range sent {
			for i, b := range list {
				if err := remotes[r].SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
					t.Fatal(err)
				}
				n, err := remotes[r].Read(got)
				if err != nil || !bytes.Equal(got[:n], b) {
					t.Fatalf("remote %d, datagram %d: %d bytes, want %d; %v", r, i, n, len(b), err)
				}
			}
		}
	})
}
