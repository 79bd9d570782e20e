package proxy

import (
	"net/netip"
	"testing"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

func listener(t sip.Transport, addr, advertised string) transport.Listener {
	return transport.Listener{
		Transport: t, Addr: netip.MustParseAddrPort(addr), Advertised: advertised,
	}
}

func TestIdentities(t *testing.T) {
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
			"SIP/2.0/TLS 198.51.100.7:443;branch=", "198.51.100.7", 443},
		{listener(sip.UDP, "10.0.0.9:5060", "2001:db8::7"),
			"SIP/2.0/UDP [2001:db8::7];branch=", "2001:db8::7", 0},
		{listener(sip.UDP, "10.0.0.9:5060", "[2001:db8::7]:5080"),
			"SIP/2.0/UDP [2001:db8::7]:5080;branch=", "2001:db8::7", 5080},
	}
	for _, tt := range tests {
		id := identities([]transport.Listener{tt.l})[0]
		if string(id.via) != tt.via || string(id.host) != tt.host || id.port != tt.port {
			t.Errorf("%v: got %q, host %q, port %d", tt.l, id.via, id.host, id.port)
		}
	}
	id := identities([]transport.Listener{listener(sip.UDP, "0.0.0.0:5060", "")})[0]
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
	p := New(Config{Sender: &sender{listeners: ls}})
	self := job.NewSelf(ls, nil, nil)
	for i := range ls {
		for _, secure := range []bool{false, true} {
			text := p.appendRecordRoute(nil, uint16(i), secure, 1, true, []byte(";x=1"))
			u, err := routeURI(sip.Element{Value: text})
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if !self.Listener(u.Host, u.Port, u.Transport()) {
				t.Errorf("%s is not known as ours", text)
			}
			if l := p.listenerOf(&u); !secure && l != uint16(i) {
				t.Errorf("%s: listener %d, want %d", text, l, i)
			}
		}
	}
}

func TestEgress(t *testing.T) {
	ls := []transport.Listener{
		listener(sip.UDP, "10.0.0.9:5060", ""),
		listener(sip.UDP, "10.0.0.9:5070", ""),
		listener(sip.TCP, "10.0.0.9:5060", ""),
		listener(sip.UDP, "[2001:db8::9]:5060", ""),
		listener(sip.UDP, "192.168.0.9:5060", ""),
	}
	p := New(Config{Sender: &sender{listeners: ls}})
	const none = transport.AnyListener
	tests := []struct {
		name       string
		in, forced uint16
		hop        string
		t          sip.Transport
		want       uint16
	}{
		{"the sender's choice", 2, none, "10.0.0.2:5060", sip.UDP, 0},
		{"the port it came in by", 1, none, "10.0.0.2:5060", sip.UDP, 1},
		{"another address is not preferred", 4, none, "10.0.0.2:5060", sip.UDP, 0},
		{"forced", 0, 4, "10.0.0.2:5060", sip.UDP, 4},
		{"forced does not suit", 0, 2, "10.0.0.2:5060", sip.UDP, 0},
		{"forced has another family", 0, 3, "10.0.0.2:5060", sip.UDP, 0},
		{"another transport", 0, none, "10.0.0.2:5060", sip.TCP, 2},
		{"another family", 0, none, "[2001:db8::2]:5060", sip.UDP, 3},
		{"none", 0, none, "[2001:db8::2]:5060", sip.TCP, none},
	}
	for _, tt := range tests {
		hop := resolve.Hop{Transport: tt.t, Addr: netip.MustParseAddrPort(tt.hop)}
		if got := p.egress(transport.Flow{Listener: tt.in}, tt.forced, hop); got != tt.want {
			t.Errorf("%s: want %d, got %d", tt.name, tt.want, got)
		}
	}
}
