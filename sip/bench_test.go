package sip

import (
	"net/netip"
	"testing"
)

const invite = "INVITE sip:bob@biloxi.example.com SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP proxy.atlanta.example.com:5060;branch=z9hG4bK77ef4c2312983.1;rport\r\n" +
	"Via: SIP/2.0/UDP pc33.atlanta.example.com:5060;branch=z9hG4bKnashds8;received=192.0.2.1\r\n" +
	"Max-Forwards: 69\r\n" +
	"Route: <sip:p2.example.com;lr>\r\n" +
	"From: \"Alice\" <sip:alice@atlanta.example.com>;tag=1928301774\r\n" +
	"To: Bob <sip:bob@biloxi.example.com>\r\n" +
	"Call-ID: a84b4c76e66710@pc33.atlanta.example.com\r\n" +
	"CSeq: 314159 INVITE\r\n" +
	"Contact: <sip:alice@pc33.atlanta.example.com>\r\n" +
	"Record-Route: <sip:proxy.atlanta.example.com;lr>\r\n" +
	"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO\r\n" +
	"Supported: replaces, timer, 100rel\r\n" +
	"User-Agent: Phone/1.0 (model 7)\r\n" +
	"Session-Expires: 1800;refresher=uac\r\n" +
	"Min-SE: 90\r\n" +
	"P-Asserted-Identity: \"Alice\" <sip:alice@atlanta.example.com>\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 142\r\n" +
	"\r\n" +
	"v=0\r\n" +
	"o=alice 2890844526 2890844526 IN IP4 pc33.atlanta.example.com\r\n" +
	"s=-\r\nc=IN IP4 192.0.2.101\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\n" +
	"a=rtpmap:0 PCMU/800"

// shapes are the messages that are measured.
var shapes = []struct{ name, text string }{
	{"INVITE", invite},
	{"OPTIONS", "OPTIONS sip:carol@chicago.example.com SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bKhjhs8ass877\r\n" +
		"Max-Forwards: 70\r\n" +
		"To: <sip:carol@chicago.example.com>\r\n" +
		"From: Alice <sip:alice@atlanta.example.com>;tag=1928301774\r\n" +
		"Call-ID: a84b4c76e66710\r\n" +
		"CSeq: 63104 OPTIONS\r\n" +
		"Contact: <sip:alice@pc33.atlanta.example.com>\r\n" +
		"Accept: application/sdp\r\n" +
		"Content-Length: 0\r\n\r\n"},
	{"200", "SIP/2.0 200 OK\r\n" +
		"Via: SIP/2.0/UDP edge.example.com;branch=z9hG4bK4b43c2ff8.1\r\n" +
		"v: SIP/2.0/UDP proxy.atlanta.example.com;branch=z9hG4bK77ef4c.1;received=192.0.2.3\r\n" +
		"v: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bKnashds8;received=192.0.2.1\r\n" +
		"Record-Route: <sip:edge.example.com;lr>, <sip:proxy.atlanta.example.com;lr>\r\n" +
		"f: \"Alice\" <sip:alice@atlanta.example.com>;tag=1928301774\r\n" +
		"t: Bob <sip:bob@biloxi.example.com>;tag=a6c85cf\r\n" +
		"i: a84b4c76e66710@pc33.atlanta.example.com\r\n" +
		"CSeq: 314159 INVITE\r\n" +
		"m: <sip:bob@192.0.2.4>\r\n" +
		"l: 0\r\n\r\n"},
}

var source = netip.MustParseAddrPort("192.0.2.7:31000")

// relay makes the edits of a proxy, RFC 3261 §16.6.
func relay(m *Message) {
	m.MarkReceived(source, false)
	m.SetRURI([]byte("sip:bob@192.0.2.4:5070"))
	if i := m.First(MaxForwards); i >= 0 {
		m.SetValue(i, []byte("68"))
	} else {
		m.Append(MaxForwards, []byte("70"))
	}
	if e, ok := m.FirstElement(Route); ok {
		m.RemoveElement(e)
	}
	m.Prepend(RecordRoute, []byte("<sip:edge.example.com;lr>"))
	m.Prepend(Via, []byte("SIP/2.0/UDP edge.example.com;branch=z9hG4bK4b43c2ff8.1"))
}

func BenchmarkParse(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			var m Message
			raw := []byte(s.text)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := m.Parse(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRelay(b *testing.B) {
	var m Message
	raw, out := []byte(invite), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Parse(raw); err != nil {
			b.Fatal(err)
		}
		relay(&m)
		out = m.AppendTo(out[:0])
	}
}

func BenchmarkCopyFrom(b *testing.B) {
	var m, c Message
	if err := m.Parse([]byte(invite)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.CopyFrom(&m)
	}
}
