package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
)

// plays sends sound of PCMU from a socket to a port of its host, and counts what comes from the
// node, until the test ends.
func plays(t *testing.T, from *net.UDPConn, n *relayNode) (to *atomic.Int64, heard *atomic.Int64) {
	t.Helper()
	to, heard = new(atomic.Int64), new(atomic.Int64)
	stop, done := make(chan struct{}), make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		beat := time.NewTicker(20 * time.Millisecond)
		defer beat.Stop()
		packet := append([]byte{0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, make([]byte, 160)...)
		for i := uint32(0); ; i++ {
			select {
			case <-stop:
				return
			case <-beat.C:
			}
			binary.BigEndian.PutUint16(packet[2:], uint16(i))
			binary.BigEndian.PutUint32(packet[4:], 160*i)
			if port := to.Load(); port != 0 {
				host := from.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
				from.WriteToUDPAddrPort(packet, netip.AddrPortFrom(host, uint16(port)))
			}
		}
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		for buf := make([]byte, 1500); ; {
			size, by, err := from.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			// Version 2, payload type 0, 20 ms: not encrypted, which has a tag at its end.
			if n.has(int(by.Port())) && size == 172 && buf[0]>>6 == 2 && buf[1]&0x7f == 0 {
				heard.Add(1)
			}
		}
	}()
	t.Cleanup(func() { close(stop); from.Close(); <-done; <-done })
	return to, heard
}

// Through 11-webrtc a browser calls a phone of plain RTP, and is called by it: both hear each
// other, also after each has offered anew.
func TestBrowserAndPhoneHearEachOther(t *testing.T) {
	needs(t, "rtpengine")
	b := newBrowser(t)
	b.page = "sound.html"
	dir := openssl(t, "example.net")
	node := startRelay(t, 52000)
	pbx := newMediaParty(t)
	s := startServer(t, movedExample(t, "11-webrtc",
		"edge.pem", dir+"/example.net.pem", "edge.key", dir+"/example.net.key",
		"http://localhost:8080", b.site.URL, "127.0.0.1:8443", "127.0.0.1:0",
		"127.0.0.1:5070", pbx.sip.LocalAddr().String(), "127.0.0.1:2223", node.ng.String()))
	to, heard := plays(t, pbx.media, node)
	bothHear := func() {
		t.Helper()
		before := heard.Load()
		await(t, 20*time.Second, func() (string, bool) {
			n := heard.Load() - before
			return fmt.Sprintf("the phone heard %d packets", n), n >= 20 // of 25 that are sent
		})
		b.says("hears")
	}

	// The browser calls, and offers anew.
	b.open("wss://"+s.addr("wss", false).String()+"/sip", "secret of bob",
		"--ignore-certificate-errors", "--allow-loopback-in-peer-connection")
	b.says("registered")
	edge := s.addr("udp", false)
	phone := &dialogParty{mediaParty: pbx, edge: edge, node: node, profile: "rtp"}
	invite := phone.gets("INVITE ", "")
	phone.understands(invite, "first offer")
	to.Store(int64(mediaPort(invite)))
	phone.id = field(invite, "Call-ID")
	phone.accepts(invite, phone.sdp(false))
	bothHear()
	again := phone.gets("INVITE ", "")
	phone.understands(again, "first offer")
	to.Store(int64(mediaPort(again)))
	phone.accepts(again, phone.sdp(false))
	bothHear()
	phone.gets("BYE ", "")
	phone.answers("")
	b.says("ended: local")

	// The phone calls, and offers anew.
	phone = &dialogParty{mediaParty: pbx, edge: edge, node: node, profile: "rtp", id: "back",
		from: "<sip:100@example.net>;tag=back", to: "<sip:bob@example.net>",
		target: "sip:bob@example.net"}
	for range 2 {
		phone.sends("INVITE", phone.sdp(true))
		ok := phone.gets("SIP/2.0 200 ", fmt.Sprint(phone.cseq, " INVITE"))
		phone.understands(ok, "answer")
		to.Store(int64(mediaPort(ok)))
		phone.accepted(ok, "")
		bothHear()
	}
	phone.sends("BYE", "")
	phone.gets("SIP/2.0 200 ", fmt.Sprint(phone.cseq, " BYE"))
	b.says("ended: remote")
}

// keyed is SRTP with the key of a session description, RFC 3711.
func keyed(t *testing.T, description string) *srtp.Context {
	t.Helper()
	m := srtpLine.FindStringSubmatch(description)
	if m == nil {
		t.Fatalf("no key:\n%s", description)
	}
	key, err := base64.StdEncoding.DecodeString(m[2])
	if err != nil || len(key) != 30 {
		t.Fatalf("a key of %d bytes, %v", len(key), err)
	}
	c, err := srtp.CreateContext(key[:16], key[16:], srtp.ProtectionProfileAes128CmHmacSha1_80)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A phone of SRTP and one of plain RTP hear each other, whoever calls: each side has the keys that
// the other's session description told it, and none is left plain.
func TestMediaIsSealedAndOpened(t *testing.T) {
	needs(t, "rtpengine")
	node := startRelay(t, 54000)
	alice, bob := newMediaParty(t), newMediaParty(t)
	s := startServer(t, profilePolicy(bob, node))
	for _, c := range [][2]string{{"srtp", "rtp"}, {"rtp", "srtp"}} {
		t.Run(c[0]+" calls "+c[1], func(t *testing.T) {
			alice.t, bob.t = t, t
			caller, callee := parties(s, node, alice, bob, c[0], c[1], "sealed-"+c[0])
			invite, ok := caller.offers(callee, "first offer")
			secure, plain, toSecure, toPlain := caller, callee, ok, invite
			if c[0] == "rtp" {
				secure, plain, toSecure, toPlain = callee, caller, invite, ok
			}
			own, other := keyed(t, spoken["srtp"]), keyed(t, toSecure)
			same := func(packet []byte) ([]byte, error) { return packet, nil }
			if err := hearsOver(secure.media, mediaPort(toSecure),
				func(packet []byte) ([]byte, error) { return own.EncryptRTP(nil, packet, nil) },
				plain.media, node, same); err != nil {
				t.Error("from SRTP to RTP:", err)
			}
			if err := hearsOver(plain.media, mediaPort(toPlain), same, secure.media, node,
				func(packet []byte) ([]byte, error) { return other.DecryptRTP(nil, packet, nil) },
			); err != nil {
				t.Error("from RTP to SRTP:", err)
			}
			caller.hangsUp(callee)
		})
	}
}
