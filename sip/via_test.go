package sip

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func TestParseVia(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"SIP/2.0/UDP h", `udp UDP h 0 ""`},
		{"sip/2.0/tls h:5061;branch=z9hG4bKa;rport;x=\"a;b\"",
			`tls tls h 5061 ";branch=z9hG4bKa;rport;x=\"a;b\"" branch=z9hG4bKa rport=0`},
		{"SIP / 2.0 / FOO  [2001:db8::1] : 5070 ; rport = 7 ; ttl = 3",
			`"" FOO 2001:db8::1 5070 "; rport = 7 ; ttl = 3" rport=7 ttl=3`},
		{"SIP/2.0/TCP h;received=[::1];maddr=224.0.1.75",
			`tcp TCP h 0 ";received=[::1];maddr=224.0.1.75" received=::1 maddr=224.0.1.75`},
		{"SIP/2.0/TCP h;rport=x", `tcp TCP h 0 ";rport=x" rport=0`},
		{"SIP/2.0/TCP\r\n\th;branch=\r\n a", `tcp TCP h 0 ";branch=\r\n a" branch=a`},
		{"", "bad"}, {"SIP/2.0/UDP", "bad"}, {"SIP/2.0/UDP ", "bad"}, {"SIP/2.0 h", "bad"},
		{"SIP/2.0/UDPh;branch=a", "bad"}, {"SIP/2.0/UDP h i", "bad"}, {"SIP/2.0/UDP h:", "bad"},
		{"SIP/2.0/UDP h:0", "bad"}, {"SIP/2.0/UDP 2001:db8::1", "bad"}, {"SIP/2.0/UDP h;", "bad"},
		{"SIP/2.0/UDP h;;a", "bad"}, {"SIP/2.0/UDP h;a;;", "bad"}, {"SIP/2.0/UDP h;=a", "bad"},
		{"SIP/2.0/UDP h;a=\"b", "bad"}, {"SIP/2.0/UDP h;a=b c", "bad"}, {"SIP/3.0/UDP h", "bad"},
		{"SOP/2.0/UDP h", "bad"}, {"SIP/2.0/UDP [h]", "bad"}, {"SIP/2.0/UDP h;ttl=1;ttl=2", "bad"},
		{"SIP/2.0/UDP h;rport;rport", "bad"}, {"SIP/2.0/UDP h;received=a;Received=b", "bad"},
		{`SIP/2.0/UDP h;branch=a"b`, "bad"}, {`SIP/2.0/UDP h;"a;branch=b"`, "bad"},
	} {
		v, err := ParseVia([]byte(c.in))
		got := fmt.Sprintf("%s %s %s %d %q", v.Transport, v.Protocol, v.Host, v.Port, v.Params)
		if v.Transport == NoTransport {
			got = `""` + got
		}
		for _, p := range []struct {
			name  string
			value []byte
		}{{"branch", v.Branch}, {"received", v.Received}} {
			if p.value != nil {
				got += fmt.Sprintf(" %s=%s", p.name, p.value)
			}
		}
		if v.HasRPort {
			got += fmt.Sprintf(" rport=%d", v.RPort)
		}
		if v.MAddr != nil {
			got += fmt.Sprintf(" maddr=%s", v.MAddr)
		}
		if v.TTL != nil {
			got += fmt.Sprintf(" ttl=%s", v.TTL)
		}
		if err != nil {
			got = "bad"
		}
		if got != c.want {
			t.Errorf("%q: want %s\ngot  %s", c.in, c.want, got)
		}
	}
	for branch, want := range map[string]bool{
		"": false, "z9hG4bK": false, "z9hG4bK1": true, "1": false,
	} {
		v := ViaValue{Branch: []byte(branch)}
		if v.RFC3261() != want {
			t.Errorf("branch %q: want %v", branch, want)
		}
	}
}

func TestMarkReceived(t *testing.T) {
	const v4, v6 = "192.0.2.1:5070", "[2001:db8::1]:5070"
	for _, c := range []struct {
		via, src string
		force    bool
		want     string // "": as it was
	}{
		{"SIP/2.0/UDP 192.0.2.1;branch=b", v4, false, ""},
		{"SIP/2.0/UDP 192.0.2.1:9", v4, false, ""},
		{"SIP/2.0/UDP [2001:db8:0::1]", v6, false, ""},
		{"SIP/2.0/UDP [::ffff:192.0.2.1]", v4, false, ""},
		{"SIP/2.0/UDP 192.0.2.1", "[::ffff:192.0.2.1]:1", false, ""},
		{"SIP/2.0/UDP 192.0.2.2;branch=b", v4, false,
			"SIP/2.0/UDP 192.0.2.2;branch=b;received=192.0.2.1"},
		{"SIP/2.0/UDP host", v4, false, "SIP/2.0/UDP host;received=192.0.2.1"},
		{"SIP/2.0/UDP host", v6, false, "SIP/2.0/UDP host;received=2001:db8::1"},
		{"SIP/2.0/UDP host", "[fe80::1%eth0]:1", false, "SIP/2.0/UDP host;received=fe80::1"},
		{"SIP/2.0/UDP 192.0.2.1;rport;branch=b", v4, false,
			"SIP/2.0/UDP 192.0.2.1;branch=b;received=192.0.2.1;rport=5070"},
		{"SIP/2.0/UDP 192.0.2.1;branch=b", v4, true,
			"SIP/2.0/UDP 192.0.2.1;branch=b;received=192.0.2.1;rport=5070"},
		// A stranger's word.
		{"SIP/2.0/UDP 192.0.2.1;received=10.0.0.1;branch=b", v4, false, "SIP/2.0/UDP 192.0.2.1;branch=b"},
		{"SIP/2.0/UDP host;received=10.0.0.1", v4, false, "SIP/2.0/UDP host;received=192.0.2.1"},
		{"SIP/2.0/UDP host;rport=1;x", v4, false, "SIP/2.0/UDP host;x;received=192.0.2.1;rport=5070"},
		{"SIP / 2.0 / UDP host ; x = \"a;b\" ; rport", v4, false,
			"SIP / 2.0 / UDP host ; x = \"a;b\" ;received=192.0.2.1;rport=5070"},
		{"SIP/2.0/UDP host;rport , SIP/2.0/TCP below;rport", v4, false,
			"SIP/2.0/UDP host;received=192.0.2.1;rport=5070 , SIP/2.0/TCP below;rport"},
	} {
		text := strings.Replace(options, "SIP/2.0/UDP host.example.com;branch=z9hG4bK1", c.via, 1)
		m := mustParse(t, text)
		m.MarkReceived(netip.MustParseAddrPort(c.src), c.force)
		want := c.want
		if want == "" {
			want = c.via
		}
		if got := string(m.Get(Via)); got != want || m.Edited() != (c.want != "") {
			t.Errorf("%s from %s: want %s, got %s", c.via, c.src, want, got)
		}
		again := mustParse(t, string(m.AppendTo(nil)))
		if dump(again) != dump(m) {
			t.Errorf("%s: reads as\n%s, written as\n%s", c.via, dump(m), dump(again))
		}
	}
}
