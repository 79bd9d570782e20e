//go:build !portable

package udp

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// Routers may cut what is sent: a link on the way may be smaller than ours, and who would tell us
// is often not let through.
func TestMayBeFragmented(t *testing.T) {
	raw, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if errors.Is(err, unix.EPERM) && os.Getenv("SIPEDGE_REQUIRE_REAL") != "1" {
		t.Skip("IP headers are shown to root alone")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(raw)
	wait := unix.Timeval{Sec: 20}
	if err := unix.SetsockoptTimeval(raw, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		t.Fatal(err)
	}
	peer, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	m := manager(t, twins["best"], 1, "127.0.0.1:0")
	m.Start(&transporttest.Recorder{})
	text := []byte("that nobody else sends " + peer.LocalAddr().String())
	at := netip.MustParseAddrPort(peer.LocalAddr().String())
	if err := m.Send(transport.Target{Transport: sip.UDP, Remote: at}, text, 0); err != nil {
		t.Fatal(err)
	}
	const header = 20 // of IPv4, without options
	for b := make([]byte, 65535); ; {
		n, _, err := unix.Recvfrom(raw, b, 0)
		if err != nil {
			t.Fatal(err)
		}
		if n < header || !bytes.HasSuffix(b[:n], text) {
			continue
		}
		if b[6]&0x40 != 0 {
			t.Error("a datagram has Don't Fragment set")
		}
		return
	}
}
