package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
)

// sound is a browser and a phone of plain RTP that call each other through 11-webrtc, with two
// nodes, and play to each other.
type sound struct {
	*browser
	edge  netip.AddrPort
	pbx   *mediaParty
	nodes []*relayNode
	to    atomic.Int64 // the port that the phone plays to; 0: none yet
	heard atomic.Int64 // packets that came to the phone
}

// newSound has the browser registered.
func newSound(t *testing.T) *sound {
	t.Helper()
	needs(t, "rtpengine")
	v := &sound{browser: newBrowser(t), pbx: newMediaParty(t)}
	v.page = "sound.html"
	v.nodes = []*relayNode{startRelay(t), startRelay(t)}
	dir := openssl(t, "example.net")
	s := startServer(t, movedExample(t, "11-webrtc",
		"edge.pem", dir+"/example.net.pem", "edge.key", dir+"/example.net.key",
		"http://localhost:8080", v.site.URL, "127.0.0.1:8443", "127.0.0.1:0",
		"127.0.0.1:5070", v.pbx.sip.LocalAddr().String(),
		`{udp: "127.0.0.1:2223"}`, fmt.Sprintf("{udp: %q}, {udp: %q}", v.nodes[0].ng, v.nodes[1].ng)))
	v.edge = s.addr("udp", false)
	var running sync.WaitGroup
	stop := make(chan struct{})
	running.Go(func() { v.plays(stop) })
	running.Go(v.listens)
	t.Cleanup(func() { close(stop); v.pbx.media.Close(); running.Wait() })
	v.open("wss://"+s.addr("wss", false).String()+"/sip", "secret of bob",
		"--ignore-certificate-errors", "--allow-loopback-in-peer-connection")
	v.says("registered")
	return v
}

// plays sends PCMU from the phone, 20 ms a packet.
func (v *sound) plays(stop chan struct{}) {
	beat := time.NewTicker(20 * time.Millisecond)
	defer beat.Stop()
	host := v.edge.Addr()
	packet := append([]byte{0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, make([]byte, 160)...)
	for i := uint32(0); ; i++ {
		select {
		case <-stop:
			return
		case <-beat.C:
		}
		binary.BigEndian.PutUint16(packet[2:], uint16(i))
		binary.BigEndian.PutUint32(packet[4:], 160*i)
		if port := v.to.Load(); port != 0 {
			v.pbx.media.WriteToUDPAddrPort(packet, netip.AddrPortFrom(host, uint16(port)))
		}
	}
}

// listens counts what the phone gets of 20 ms of PCMU, which is not sealed: that has a tag behind.
func (v *sound) listens() {
	for buf := make([]byte, 1500); ; {
		size, err := v.pbx.media.Read(buf)
		if err != nil {
			return
		}
		if size == 172 && buf[0]>>6 == 2 && buf[1]&0x7f == 0 {
			v.heard.Add(1)
		}
	}
}

// told has the phone play to where a message says, which is a port of a node.
func (v *sound) told(phone *dialogParty, message, kind string) {
	v.t.Helper()
	port := mediaPort(message)
	for _, n := range v.nodes {
		if phone.node == nil && n.has(port) {
			phone.node = n
		}
	}
	if phone.node == nil {
		v.t.Fatalf("media is not at a node:\n%s", message)
	}
	phone.understands(message, kind)
	v.to.Store(int64(port))
}

// bothHear waits until each side has heard the other.
func (v *sound) bothHear() {
	v.t.Helper()
	before := v.heard.Load()
	await(v.t, 20*time.Second, func() (string, bool) {
		n := v.heard.Load() - before
		return fmt.Sprintf("the phone heard %d packets", n), n >= 20 // of 25 that are sent
	})
	v.says("hears")
}

// offered has the phone answer an offer of the browser.
func (v *sound) offered(phone *dialogParty) {
	v.t.Helper()
	last, invite := field(phone.got, "CSeq"), ""
	for invite == "" || field(invite, "CSeq") == last { // the last may come again
		invite = phone.gets("INVITE ", "")
	}
	phone.id = field(invite, "Call-ID")
	v.told(phone, invite, "first offer")
	phone.accepts(invite, phone.sdp(false))
	v.bothHear()
}

// offers has the phone make an offer, which the browser answers.
func (v *sound) offers(phone *dialogParty) {
	v.t.Helper()
	phone.sends("INVITE", phone.sdp(true))
	ok := phone.gets("SIP/2.0 200 ", fmt.Sprint(phone.cseq, " INVITE"))
	v.told(phone, ok, "answer")
	phone.accepted(ok, "")
	v.bothHear()
}

// A browser calls a phone of plain RTP, and is called by it: both hear each other, also after each
// has offered anew; and when the node of the call stops, by the other with the next offer.
func TestBrowserAndPhoneHearEachOther(t *testing.T) {
	v := newSound(t)
	phone := &dialogParty{mediaParty: v.pbx, edge: v.edge, profile: "rtp"}
	v.offered(phone)
	v.offered(phone)
	phone.gets("BYE ", "")
	phone.answers("")
	v.says("ended: local")

	phone = &dialogParty{mediaParty: v.pbx, edge: v.edge, profile: "rtp", id: "back",
		from: "<sip:100@example.net>;tag=back", to: "<sip:bob@example.net>",
		target: "sip:bob@example.net"}
	v.offers(phone)
	v.offers(phone)
	stopped := phone.node
	stopped.stops(t)
	phone.node = nil
	v.offers(phone)
	if phone.node == stopped {
		t.Error("the call did not move to the other node")
	}
	phone.sends("BYE", "")
	phone.gets("SIP/2.0 200 ", fmt.Sprint(phone.cseq, " BYE"))
	v.says("ended: remote")
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
	node := startRelay(t)
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
