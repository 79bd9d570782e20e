package identity

import (
	"net/netip"
	"testing"

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

// B10: what we write as our own URI is known as our own.
func TestOwnURIsAreOurs(t *testing.T) {
	ls := []transport.Listener{
		listener(sip.UDP, "10.0.0.9:5060", ""),
		listener(sip.TCP, "10.0.0.9:5060", ""),
		listener(sip.TCP, "[2001:db8::9]:5062", ""),
		listener(sip.UDP, "10.0.0.9:5070", "edge.example.net"),
		listener(sip.TLS, "10.0.0.9:5061", "198.51.100.7:443"),
		listener(sip.UDP, "10.0.0.9:5080", "[2001:db8::7]:5080"),
		listener(sip.UDP, "0.0.0.0:5090", ""),
		listener(sip.WS, "10.0.0.9:8080", "ws.example.net:80"),
	}
	r := New(ls, nil)
	self := job.NewSelf(ls, nil, nil)
	for i := range ls {
		for _, scheme := range []string{"<sip:", "<sips:"} {
			text := r.appendRecordRoute([]byte(scheme), dialog{}, Side{uint16(i), 7}, true,
				[]byte(";x=1"))
			u, err := RouteURI(sip.Element{Value: text})
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if !self.Listener(u.Host, u.Port, u.Transport()) {
				t.Errorf("%s is not known as ours", text)
			}
			if l := r.listenerOf(&u); scheme == "<sip:" && l != uint16(i) {
				t.Errorf("%s: listener %d, want %d", text, l, i)
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
