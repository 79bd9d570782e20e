package check_test

import (
	"slices"
	"testing"

	"sipedge/router/check"
)

// TestExamples has an example of each matcher, as people read it, and sends it.
func TestExamples(t *testing.T) {
	for _, tt := range []struct{ match, want string }{
		{"method: BYE", "BYE sip:bob@example.org from 203.0.113.9/udp"},
		{"method: [NOTIFY, CANCEL]", "CANCEL sip:bob@example.org from 203.0.113.9/udp"},
		{
			"not: {method: [INVITE, MESSAGE, OPTIONS]}",
			"SUBSCRIBE sip:bob@example.org from 203.0.113.9/udp",
		},
		{
			`uri: {user: {regex: "^0[1-9]{2}$"}}`,
			"INVITE sip:011@example.org from 203.0.113.9/udp",
		},
		{
			`uri: {user: {prefix: "+49", suffix: "0"}, host: {suffix: .example.org}}`,
			"INVITE sip:+490@sip.example.org from 203.0.113.9/udp",
		},
		{
			`uri: {user: {empty: true}, port: {min: 6000}, params: {transport: tcp, x: true}}`,
			"INVITE sip:example.org:6000;x=x;transport=tcp from 203.0.113.9/udp",
		},
		{
			"uri: {myself: true}, not: {uri: {host: example.net}}",
			"INVITE sip:bob@10.0.0.9 from 203.0.113.9/udp",
		},
		{
			"uri: {scheme: tel, user: {contains: '5'}}",
			"INVITE tel:+12025550123 from 203.0.113.9/udp",
		},
		{
			"from: {user: alice}, to: {user: {exact: BOB, ignore_case: true}, myself: false}",
			"INVITE sip:bob@example.org from 203.0.113.9/udp, From sip:alice@example.org, " +
				"To sip:bob@example.org",
		},
		{
			"contact: {host: 10.0.0.1, port: 5080}, not: {contact: {user: {empty: true}}}",
			"INVITE sip:bob@example.org from 203.0.113.9/udp, Contact: <sip:bob@10.0.0.1:5080>",
		},
		{
			`headers: {X-A: {regex: "^a.c$"}, X-B: false, "X-A[1]": b}`,
			"INVITE sip:bob@example.org from 203.0.113.9/udp, X-A: a0c, X-A: b",
		},
		{
			`headers: {Call-ID: {suffix: "@pbx"}, CSeq: {prefix: "7 "}, Via: {suffix: ";rport=5060"}}`,
			"INVITE sip:bob@example.org from 203.0.113.9/udp",
		},
		{
			`headers: {"Via[1]": {prefix: "SIP/2.0/TCP"}, "Via[0]": {contains: " pbx.example.net"}}`,
			"INVITE sip:bob@example.org from 203.0.113.9/udp, Via: SIP/2.0/TCP 0.a;branch=z9hG4bK0",
		},
		{
			`headers: {From: {prefix: '"Ann'}, Subject: true}`,
			"INVITE sip:bob@example.org from 203.0.113.9/udp, " +
				`From "Ann"<sip:alice@example.org>;tag=0, Subject: x`,
		},
		{
			"source: [10.0.0.0/8, 2001:db8::/32], not: {source: 10.0.0.0/9}",
			"INVITE sip:bob@example.org from 10.128.0.1/udp",
		},
		{
			"source_port: {max: 1023}, transport: tcp, family: inet",
			"INVITE sip:bob@example.org from 203.0.113.9/tcp, port 1",
		},
		{"listener: tcp:10.0.0.9:5060", "INVITE sip:bob@example.org from 203.0.113.9/tcp"},
		{
			"in_dialog: true, max_forwards: {max: 9}",
			"INVITE sip:bob@example.org from 203.0.113.9/udp, in a dialog, Max-Forwards 0",
		},
		{
			"size: {min: 1300, max: 1310}",
			"INVITE sip:bob@example.org from 203.0.113.9/udp, 1300 bytes",
		},
		{
			"body: {type: text/plain}",
			"INVITE sip:bob@example.org from 203.0.113.9/udp, Content-Type: text/plain",
		},
		{
			"body: {sdp: {media: audio, codec: opus, private_ip: true}}",
			"INVITE sip:bob@example.org from 203.0.113.9/udp, Content-Type: application/sdp",
		},
		{
			"body: {type: {prefix: multipart/}, sdp: {media: [video, image]}}",
			"INVITE sip:bob@example.org from 203.0.113.9/udp, Content-Type: multipart/mixed;boundary=xyz",
		},
		{
			"uri: {user: {in: some}}, not: {uri: {user: '112'}}",
			"INVITE sip:911@example.org from 203.0.113.9/udp",
		},
	} {
		r, got := found(t, "    - {match: {"+tt.match+"}, do: [{drop: {}}]}\n"+
			"    - {do: [{reply: {code: 404}}]}\n")
		v := r.Verdicts[0]
		if v.Status != check.Reached || v.Example.String() != tt.want {
			t.Errorf("%s\nwant %s\ngot  %v %v %s", tt.match, tt.want, v.Status, v.Example, got)
		}
		if v.Example == nil {
			continue
		}
		w := newWorld(t, load(t, head+"    - {match: {"+tt.match+"}, do: [{drop: {}}]}\n"+
			"    - {do: [{reply: {code: 404}}]}\n"))
		if hit := w.play(v.Example); !slices.Contains(hit, rule{"request", 0}) {
			t.Errorf("%s: %s hits %v", tt.match, v.Example, hit)
		}
	}
}
