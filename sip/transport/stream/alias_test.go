package stream

import "testing"

func TestMayAsk(t *testing.T) {
	const start = "OPTIONS sip:alias@example.net SIP/2.0\r\n"
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"asks", start + "Via: SIP/2.0/TLS a;alias;branch=z9hG4bK1\r\n\r\n", true},
		{"otherwise written", start + "Max-Forwards: 70\r\nvIA : SIP/2.0/TLS a; ALIAS \r\n\r\n", true},
		{"the short name", start + "v:SIP/2.0/TLS a;alias\n\n", true},
		{"in a line that goes on", start + "Via: SIP/2.0/TLS a\r\n ;rport\r\n\t;alias\r\n\r\n", true},
		{"not", start + "Via: SIP/2.0/TLS a;branch=z9hG4bK1\r\n\r\n", false},
		{"elsewhere", start + "Via: SIP/2.0/TLS a\r\nVia: SIP/2.0/TLS b;alias\r\n" +
			"From: <sip:alias@a>\r\n\r\n", false},
		{"below the header", start + "To: <sip:b>\r\n\r\nVia: SIP/2.0/TLS a;alias\r\n", false},
		{"nothing", "", false},
	} {
		if got := mayAsk([]byte(tt.text)); got != tt.want {
			t.Errorf("%s: want %t, got %t", tt.name, tt.want, got)
		}
	}
}
