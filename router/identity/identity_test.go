package identity

import (
	"bytes"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

func listener(t sip.Transport, addr, advertised string) transport.Listener {
	return transport.Listener{
		Transport: t, Addr: netip.MustParseAddrPort(addr), Advertised: advertised,
	}
}

func TestNames(t *testing.T) {
	tests := []struct {
		l         transport.Listener
		via, host string
		port      uint16
	}{
		{listener(sip.UDP, "10.0.0.9:5060", ""), "SIP/2.0/UDP 10.0.0.9:5060;branch=", "10.0.0.9", 5060},
		{listener(sip.TCP, "[2001:db8::9]:5062", ""),
			"SIP/2.0/TCP [2001:db8::9]:5062;branch=", "2001:db8::9", 5062},
		{listener(sip.UDP, "10.0.0.9:5060", "edge.example.net"),
			"SIP/2.0/UDP edge.example.net;branch=", "edge.example.net", 0},
		{listener(sip.TLS, "10.0.0.9:5061", "198.51.100.7:443"),
			"SIP/2.0/TLS 198.51.100.7:443;alias;branch=", "198.51.100.7", 443},
		{listener(sip.UDP, "10.0.0.9:5060", "2001:db8::7"),
			"SIP/2.0/UDP [2001:db8::7];branch=", "2001:db8::7", 0},
		{listener(sip.UDP, "10.0.0.9:5060", "[2001:db8::7]:5080"),
			"SIP/2.0/UDP [2001:db8::7]:5080;branch=", "2001:db8::7", 5080},
		{listener(sip.UDP, "[fe80::1%eth0]:5060", ""),
			"SIP/2.0/UDP [fe80::1]:5060;branch=", "fe80::1", 5060},
		{listener(sip.UDP, "[::ffff:10.0.0.9]:5060", ""),
			"SIP/2.0/UDP 10.0.0.9:5060;branch=", "10.0.0.9", 5060},
	}
	for _, tt := range tests {
		id := nameOf(&tt.l)
		if string(id.via) != tt.via || string(id.host) != tt.host || id.port != tt.port {
			t.Errorf("%v: got %q, host %q, port %d", tt.l, id.via, id.host, id.port)
		}
	}
	wild := listener(sip.UDP, "0.0.0.0:5060", "")
	id := nameOf(&wild)
	if a, ok := sip.ParseAddr(id.host); !ok || a.IsUnspecified() {
		t.Errorf("a wildcard calls itself %q", id.host)
	}
}

// anyListener is a listener of any kind, family and port, advertised in any way.
func anyListener(t *rapid.T) transport.Listener {
	kind := rapid.SampledFrom([]sip.Transport{
		sip.UDP, sip.TCP, sip.TLS, sip.SCTP, sip.WS, sip.WSS,
	}).Draw(t, "transport")
	port := rapid.OneOf(rapid.Just(kind.DefaultPort()), rapid.Uint16Min(1))
	l := transport.Listener{Transport: kind, Addr: netip.AddrPortFrom(
		netip.MustParseAddr(rapid.SampledFrom([]string{
			"10.0.0.9", "2001:db8::9", "::ffff:10.0.0.8", "0.0.0.0", "::", "127.0.0.1", "::1",
			"fe80::9%eth0",
		}).Draw(t, "address")), port.Draw(t, "port"))}
	l.Advertised = rapid.SampledFrom([]string{
		"", "edge.example.net", "Edge.Example.NET.", "198.51.100.7", "2001:db8::7", "[2001:db8::7]",
	}).Draw(t, "advertised")
	if l.Advertised != "" && rapid.Bool().Draw(t, "with a port") {
		l.Advertised = net.JoinHostPort(strings.Trim(l.Advertised, "[]"),
			strconv.Itoa(int(port.Draw(t, "advertised port"))))
	}
	return l
}

// B10: what we write as our own, whatever we listen on, is our own to who takes Routes, to a
// matcher of the Request-URI, and in a Via; and a Route says which socket to leave by.
func TestOwnURIsAreOurs(t *testing.T) { rapid.Check(t, ownURIsAreOurs) }

func ownURIsAreOurs(t *rapid.T) {
	ls := rapid.SliceOfN(rapid.Custom(anyListener), 1, 8).Draw(t, "listeners")
	r := New(ls, nil)
	self := job.NewSelf(ls, nil, nil)
	for i, l := range ls {
		via, err := sip.ParseVia(append(r.AppendVia(nil, uint16(i)), "z9hG4bK1"...))
		if err != nil || !self.Listener(via.Host, via.Port, via.Transport) {
			t.Errorf("%v: the Via %s, %v, is not known as ours", l, r.name(uint16(i)).via, err)
		}
		for _, scheme := range []string{"<sip:", "<sips:"} {
			side := Side{Listener: uint16(i), Conn: 7}
			text := r.appendRecordRoute([]byte(scheme), dialog{}, side, nil, true,
				[]byte(";x=1"))
			u, err := RouteURI(sip.Element{Value: text})
			if err != nil {
				t.Fatalf("%v: %s: %v", l, text, err)
			}
			if !self.Listener(u.Host, u.Port, u.Transport()) || !self.IsURI(&u, u.Transport()) {
				t.Errorf("%v: %s is not known as ours", l, text)
			}
			if scheme == "<sips:" {
				continue // what is not secure has no such name
			}
			n := r.listenerOf(&u)
			if n == transport.AnyListener ||
				ls[n].Transport != l.Transport || !bytes.EqualFold(r.name(n).host, u.Host) {
				t.Errorf("%v: %s: listener %d", l, text, n)
			}
		}
	}
}

// An ACK has our To tag only as the answer to its own INVITE.
func TestToTag(t *testing.T) {
	r := newRouter()
	const from = "From: <sip:a@x>;tag=aa"
	tag := string(r.AppendToTag(nil, request(t, "INVITE sip:b@x", from, "To: <sip:b@x>").Msg))
	if len(tag) != ToTagLen {
		t.Errorf("%q is not %d long", tag, ToTagLen)
	}
	ack := func(from, tag string) bool {
		return r.OwnToTag(request(t, "ACK sip:b@x", from, "To: <sip:b@x>"+tag).Msg)
	}
	if !ack(from, ";tag="+tag) {
		t.Error("the ACK is not known")
	}
	for _, forged := range [][2]string{
		{from, ""}, {from, ";tag=" + tag[1:]}, {from, ";tag=x" + tag[1:]},
		{from, ";tag=" + tag[:len(tag)-1] + "g"}, {"From: <sip:a@x>;tag=ab", ";tag=" + tag},
	} {
		if ack(forged[0], forged[1]) {
			t.Errorf("%q is taken for ours", forged)
		}
	}
	other := New(listeners, []byte("another secret"))
	if other.OwnToTag(request(t, "ACK sip:b@x", from, "To: <sip:b@x>;tag="+tag).Msg) {
		t.Error("the secret does not matter")
	}
}
