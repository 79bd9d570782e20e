package main

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// What parties speak, as the action rtpengine names it, with the session description of each but
// for its port. A browser has RTCP on the port of RTP.
var spoken = map[string]string{
	"rtp":  "m=audio %d RTP/AVP 0\r\n",
	"srtp": "m=audio %d RTP/SAVP 0\r\n" + srtpKey,
	"webrtc": "a=group:BUNDLE 0\r\nm=audio %[1]d UDP/TLS/RTP/SAVPF 111 0\r\n" +
		"a=rtcp:9 IN IP4 0.0.0.0\r\na=candidate:1 1 udp 2122260223 127.0.0.1 %[1]d typ host\r\n" +
		"a=ice-ufrag:4ZcD\r\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlVi\r\na=ice-options:trickle\r\n" +
		"a=fingerprint:sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:" +
		"BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2\r\na=setup:SETUP\r\na=mid:0\r\n" +
		"a=sendrecv\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:111 opus/48000/2\r\n" +
		"a=rtcp-fb:111 transport-cc\r\na=rtpmap:0 PCMU/8000\r\na=ssrc:3570614608 cname:x\r\n",
}

const srtpKey = "a=crypto:TAG AES_CM_128_HMAC_SHA1_80 " +
	"inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"

// srtpLine is the tag and the key of the suite that is taken of those offered.
var srtpLine = regexp.MustCompile(`a=crypto:(\w+) AES_CM_128_HMAC_SHA1_80 inline:([\w+/=]+)`)

// What a session description has, beside its media line, that says how it is spoken.
var marks = []string{"a=candidate:", "a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:",
	"a=rtcp-mux", "a=crypto:"}

// wanted is the protocol of the media line of each, and its marks.
var wanted = map[string]struct {
	protocol string
	marks    []string
}{
	"rtp":    {"RTP/AVP", nil},
	"srtp":   {"RTP/SAVP", marks[6:]},
	"webrtc": {"UDP/TLS/RTP/SAVPF", marks[:6]},
}

// dialogParty is one side of a call, which speaks one profile.
type dialogParty struct {
	*mediaParty
	edge          netip.AddrPort
	node          *relayNode
	profile       string
	id, from, to  string
	target, route string
	cseq          int
	got           string // what came last
}

// sdp is what the party says: an offer, or the answer to one.
func (p *dialogParty) sdp(offer bool) string {
	setup, tag := "active", ""
	if offer {
		setup, tag = "actpass", "1"
	} else if m := srtpLine.FindStringSubmatch(p.got); m != nil {
		tag = m[1] // of those offered, RFC 4568 §5.1.2
	}
	head := fmt.Sprintf("v=0\r\no=- 1 %d IN %[2]s\r\ns=-\r\nc=IN %[2]s\r\nt=0 0\r\n",
		p.cseq+1, p.connection())
	media := fmt.Sprintf(spoken[p.profile], portOf(p.media))
	return head + strings.NewReplacer("SETUP", setup, "TAG", tag).Replace(media)
}

// connection is the family and the address of a connection line.
func (p *dialogParty) connection() string {
	ip := p.sip.LocalAddr().(*net.UDPAddr).IP
	if ip.To4() == nil {
		return "IP6 " + ip.String()
	}
	return "IP4 " + ip.String()
}

// sends sends a request of the call; an ACK is that of the last INVITE.
func (p *dialogParty) sends(method, body string) {
	p.t.Helper()
	if method != "ACK" {
		p.cseq++
	}
	m := p.request(method, p.target, p.id, p.from, p.to, p.route, body, p.cseq)
	if _, err := p.sip.WriteToUDPAddrPort([]byte(m), p.edge); err != nil {
		p.t.Fatal(err)
	}
}

// answers answers the request that came last.
func (p *dialogParty) answers(body string) {
	p.t.Helper()
	if _, err := p.sip.WriteToUDPAddrPort([]byte(p.reply(p.got, "200 OK", body)), p.edge); err != nil {
		p.t.Fatal(err)
	}
}

// gets waits for a message of the call that begins so, with a CSeq; others are left. Who knows of
// no call yet waits for the first.
func (p *dialogParty) gets(start, cseq string) string {
	p.t.Helper()
	buf := make([]byte, 64<<10)
	p.sip.SetReadDeadline(time.Now().Add(30 * time.Second))
	for {
		n, err := p.sip.Read(buf)
		if err != nil {
			p.t.Fatalf("no %s of CSeq %s came: %v; the last was\n%s", start, cseq, err, p.got)
		}
		p.got = string(buf[:n])
		switch {
		case p.id != "" && field(p.got, "Call-ID") != p.id:
		case strings.HasPrefix(p.got, start) && (cseq == "" || field(p.got, "CSeq") == cseq):
			return p.got
		case strings.HasPrefix(p.got, "SIP/2.0 ") && p.got[len("SIP/2.0 ")] >= '3':
			p.t.Fatalf("refused:\n%s", p.got)
		}
	}
}

// understands fails the test if a message is not what its reader speaks: the first offer, one
// that follows, or an answer.
func (p *dialogParty) understands(message, kind string) {
	p.t.Helper()
	m := mediaLine.FindString(message)
	if want := m + wanted[p.profile].protocol + " "; m == "" || !strings.Contains(message, want) {
		p.t.Errorf("%s gets media otherwise, in the %s:\n%s", p.profile, kind, message)
	}
	if !p.node.has(mediaPort(message)) {
		p.t.Errorf("%s is sent elsewhere than to the node, in the %s:\n%s", p.profile, kind, message)
	}
	if !strings.Contains(message, "\r\nc=IN "+p.connection()+"\r\n") {
		p.t.Errorf("%s is sent to another family, in the %s:\n%s", p.connection(), kind, message)
	}
	for _, mark := range marks {
		has := strings.Contains(message, "\r\n"+mark)
		if kind == "next offer" && mark == "a=rtcp-mux" && has {
			continue // that one side has offered it is told: the other may leave it, RFC 5761 §5.1.1
		}
		if slices.Contains(wanted[p.profile].marks, mark) != has {
			p.t.Errorf("%s in the %s to %s: %v\n%s", mark, kind, p.profile, has, message)
		}
	}
	if actpass := strings.Contains(message, "a=setup:actpass"); p.profile == "webrtc" &&
		actpass != (kind != "answer") {
		p.t.Errorf("who begins DTLS, in the %s to %s: RFC 5763 §5\n%s", kind, p.profile, message)
	}
}

// profilePolicy relays calls to a callee. The user of From speaks the profile that he is called
// by, that of the Request-URI too; within a call nothing is said of it.
func profilePolicy(callee *mediaParty, node *relayNode) string {
	offers, relays, replies := "", "", ""
	for _, profile := range slices.Sorted(maps.Keys(spoken)) {
		offers += fmt.Sprintf(`
    - match: {uri: {user: %[1]s}, source: 127.0.0.0/8}
      do: [{record_route: {}}, {rtpengine: {backend: media, to: %[1]s}}]`, profile)
		relays += fmt.Sprintf(`
    - match: {from: {user: %[1]s}, source: 127.0.0.0/8}
      do: [{relay: {to: "sip:%[2]s", reply: %[1]s}}]`, profile, callee.sip.LocalAddr())
		replies += fmt.Sprintf(`
    %[1]s: [{do: [{rtpengine: {backend: media, to: %[1]s}}]}]`, profile)
	}
	return testHead + `
backends: {media: {rtpengine: {nodes: [{udp: "` + node.ng.String() + `"}], timeout: 5s}}}
routes:
  request:
    - match: {in_dialog: true}
      do: [{loose_route: {}}, {rtpengine: {backend: media}}, {relay: {reply: within}}]` +
		offers + relays + `
    - do: [{reply: {code: 403}}]
  reply:
    within: [{do: [{rtpengine: {backend: media}}]}]` + replies + "\n"
}

// parties are the two of a call, the callee's side without what he learns of it.
func parties(
	s *server, node *relayNode, alice, bob *mediaParty, from, to, id string,
) (caller, callee *dialogParty) {
	caller = &dialogParty{mediaParty: alice, node: node, profile: from, id: id,
		from:   fmt.Sprintf("<sip:%s@127.0.0.1>;tag=%s", from, id),
		to:     fmt.Sprintf("<sip:%s@127.0.0.1>", to),
		target: fmt.Sprintf("sip:%s@127.0.0.1", to)}
	callee = &dialogParty{mediaParty: bob, node: node, profile: to, id: id}
	for _, p := range []*dialogParty{caller, callee} {
		p.edge = s.addr("udp", strings.HasPrefix(p.connection(), "IP6"))
	}
	return caller, callee
}

// routesOf are the Record-Routes of a message as Routes, for who got the INVITE. Who got the
// answer has them the other way round, RFC 3261 §12.1.2.
func routesOf(message string, reverse bool) string {
	lines := strings.SplitAfter(fieldLines(message, "Record-Route"), "\n")
	if reverse {
		slices.Reverse(lines)
	}
	return strings.ReplaceAll(strings.Join(lines, ""), "Record-Route: ", "Route: ")
}

// contactOf is the URI of a message's Contact.
func contactOf(message string) string { return strings.Trim(field(message, "Contact"), "<>") }

// accepts answers an INVITE, which begins a dialog for him.
func (p *dialogParty) accepts(invite, body string) {
	p.t.Helper()
	if p.answers(body); p.target == "" {
		p.from, p.to = field(invite, "To")+";tag=callee", field(invite, "From")
		p.target, p.route = contactOf(invite), routesOf(invite, false)
	}
}

// accepted has the caller acknowledge a 200, which begins a dialog for him.
func (p *dialogParty) accepted(ok, body string) {
	p.t.Helper()
	if p.route == "" {
		p.to, p.target, p.route = field(ok, "To"), contactOf(ok), routesOf(ok, true)
	}
	p.sends("ACK", body)
}

// offers has one side offer the other media: its INVITE, what answers it, and the ACK. It returns
// what each was told.
func (p *dialogParty) offers(to *dialogParty, kind string) (invite, ok string) {
	p.t.Helper()
	p.sends("INVITE", p.sdp(true))
	cseq := fmt.Sprint(p.cseq, " INVITE")
	invite = to.gets("INVITE ", cseq)
	to.understands(invite, kind)
	to.accepts(invite, to.sdp(false))
	ok = p.gets("SIP/2.0 200 ", cseq)
	p.understands(ok, "answer")
	p.accepted(ok, "")
	to.gets("ACK ", fmt.Sprint(p.cseq, " ACK"))
	return invite, ok
}

// rings is offers with the answer before the 200, which has none.
func (p *dialogParty) rings(to *dialogParty) {
	p.t.Helper()
	p.sends("INVITE", p.sdp(true))
	cseq := fmt.Sprint(p.cseq, " INVITE")
	invite := to.gets("INVITE ", cseq)
	ringing := p.reply(invite, "183 Session Progress", to.sdp(false))
	if _, err := to.sip.WriteToUDPAddrPort([]byte(ringing), to.edge); err != nil {
		p.t.Fatal(err)
	}
	p.understands(p.gets("SIP/2.0 183 ", cseq), "answer")
	to.accepts(invite, "")
	p.accepted(p.gets("SIP/2.0 200 ", cseq), "")
	to.gets("ACK ", fmt.Sprint(p.cseq, " ACK"))
}

// updates is offers by an UPDATE, RFC 3311, which has no ACK.
func (p *dialogParty) updates(to *dialogParty) {
	p.t.Helper()
	p.sends("UPDATE", p.sdp(true))
	cseq := fmt.Sprint(p.cseq, " UPDATE")
	to.understands(to.gets("UPDATE ", cseq), "next offer")
	to.answers(to.sdp(false))
	p.understands(p.gets("SIP/2.0 200 ", cseq), "answer")
}

// asks has one side ask the other for an offer, which it answers in the ACK, RFC 3261 §13.2.2.4.
func (p *dialogParty) asks(to *dialogParty, kind string) {
	p.t.Helper()
	p.sends("INVITE", "")
	cseq := fmt.Sprint(p.cseq, " INVITE")
	invite := to.gets("INVITE ", cseq)
	to.accepts(invite, to.sdp(true))
	ok := p.gets("SIP/2.0 200 ", cseq)
	p.understands(ok, kind)
	p.accepted(ok, p.sdp(false))
	to.understands(to.gets("ACK ", fmt.Sprint(p.cseq, " ACK")), "answer")
}

// hangsUp ends the call, and its media.
func (p *dialogParty) hangsUp(to *dialogParty) {
	p.t.Helper()
	p.sends("BYE", "")
	cseq := fmt.Sprint(p.cseq, " BYE")
	to.gets("BYE ", cseq)
	to.answers("")
	p.gets("SIP/2.0 200 ", cseq)
	p.node.forgets(p.t, p.id)
}

// Who speaks WebRTC, SRTP or plain RTP calls who speaks another: each gets his own, in the first
// offer and its answer, and in those that either side makes later, in an INVITE, in what answers
// one, or in an UPDATE.
func TestMediaProfiles(t *testing.T) {
	needs(t, "rtpengine")
	node := startRelay(t)
	alice, bob := newMediaParty(t), newMediaParty(t)
	s := startServer(t, profilePolicy(bob, node))
	for from := range spoken {
		for to := range spoken {
			t.Run(from+" calls "+to, func(t *testing.T) {
				alice.t, bob.t = t, t
				caller, callee := parties(s, node, alice, bob, from, to, from+"-"+to)
				caller.offers(callee, "first offer")
				callee.offers(caller, "next offer")
				caller.offers(callee, "next offer")
				callee.asks(caller, "next offer")
				caller.asks(callee, "next offer")
				callee.updates(caller)
				caller.updates(callee)
				callee.hangsUp(caller)
			})
			t.Run(from+" hears "+to+" ring", func(t *testing.T) {
				alice.t, bob.t = t, t
				caller, callee := parties(s, node, alice, bob, from, to, from+"*"+to)
				caller.rings(callee)
				callee.offers(caller, "next offer")
				caller.hangsUp(callee)
			})
			t.Run(from+" asks "+to, func(t *testing.T) {
				alice.t, bob.t = t, t
				caller, callee := parties(s, node, alice, bob, from, to, from+"?"+to)
				caller.asks(callee, "first offer")
				caller.offers(callee, "next offer")
				callee.offers(caller, "next offer")
				caller.hangsUp(callee)
			})
		}
	}
}

// Who has an IPv4 address calls who has an IPv6 address: each gets one of his own, also in the
// offers that follow, of which the policy says nothing, and media goes both ways.
func TestMediaFamilies(t *testing.T) {
	needs(t, "rtpengine")
	node := startRelay(t)
	alice, bob := newMediaParty(t), newMediaPartyAt(t, net.IPv6loopback)
	s := startServer(t, testHead+`
backends: {media: {rtpengine: {nodes: [{udp: "`+node.ng.String()+`"}], timeout: 5s}}}
routes:
  request:
    - match: {in_dialog: true}
      do: [{loose_route: {}}, {rtpengine: {backend: media}}, {relay: {reply: within}}]
    - match: {source: 127.0.0.0/8}
      do:
        - record_route: {}
        - rtpengine: {backend: media, family: inet6}
        - relay: {to: "sip:`+bob.sip.LocalAddr().String()+`", reply: to_ipv4}
    - do: [{reply: {code: 403}}]
  reply:
    within: [{do: [{rtpengine: {backend: media}}]}]
    to_ipv4: [{do: [{rtpengine: {backend: media, family: inet}}]}]
`)
	caller, callee := parties(s, node, alice, bob, "rtp", "rtp", "families")
	invite, ok := caller.offers(callee, "first offer")
	if err := hears(alice.media, mediaPort(ok), bob.media, node); err != nil {
		t.Error("from IPv4 to IPv6:", err)
	}
	if err := hears(bob.media, mediaPort(invite), alice.media, node); err != nil {
		t.Error("from IPv6 to IPv4:", err)
	}
	callee.offers(caller, "next offer")
	caller.offers(callee, "next offer")
	callee.asks(caller, "next offer")
	callee.hangsUp(caller)

	caller, callee = parties(s, node, alice, bob, "rtp", "rtp", "late")
	caller.asks(callee, "first offer")
	callee.offers(caller, "next offer")
	callee.hangsUp(caller)
}
