package router

import (
	"strings"
	"testing"

	"sipedge/router/table"
	"sipedge/router/vars"
	"sipedge/schema"
	"sipedge/sip"
)

// erroneous is a policy whose error route looks at all there is: every field,
// and every matcher of a message.
func erroneous() string {
	var b strings.Builder
	b.WriteString(head + "  request: [{do: [{reply: {code: 404}}]}]\n  error:\n")
	matches := []string{
		"method: OPTIONS", "uri: {user: a, myself: true, port: 5060, params: {x: y}}",
		"from: {host: example.net, user: {regex: '^a'}}", "to: {myself: true}",
		"contact: {user: a, port: {min: 5060}}", "headers: {X: a, 'Via[-1]': {contains: x}}",
		"headers: {v: {empty: false}, Call-ID: {suffix: z}}", "source: 10.0.0.0/8",
		"source_port: 5060", "transport: udp", "family: inet", "listener: udp:10.0.0.9:5060",
		"in_dialog: true", "direction: upstream", "max_forwards: 70", "size: {max: 9}",
		"body: {type: application/sdp}", "time: {days: [mon]}", "rr_params: {x: a, y: true}",
		"nat: true",
		"peer: true", "peer: {san: a, issuer: {contains: x}}",
	}
	for _, m := range matches {
		b.WriteString("    - {match: {" + m + "}, do: [{log: {message: x}}]}\n")
		b.WriteString("    - {match: {not: {" + m + "}}, do: [{log: {message: x}}]}\n")
	}
	for _, f := range vars.Fields() {
		if f.Where&schema.InError == 0 {
			continue
		}
		name := f.Name
		if base, open := strings.CutSuffix(name, "*"); open {
			name = base + "To"
		}
		b.WriteString("    - do: [{log: {message: \"{" + name + "}\"}}]\n")
	}
	b.WriteString("    - do: [{log: {message: \"{headers.Via[-1]} {headers.CSeq[1]}\"}}]\n")
	return b.String() + "    - do: [{reply: {code: 400, reason: \"{from.user} {to}\"}}]\n"
}

// Every matcher that an error route may have is in the policy above.
func TestErrorRouteHasAll(t *testing.T) {
	policy := erroneous()
	for _, f := range table.Fields() {
		if f.Where&schema.InError != 0 && !strings.Contains(policy, f.Name+":") &&
			f.Name != "all" && f.Name != "any" && f.Name != "vars" {
			t.Errorf("%s is not tried", f.Name)
		}
	}
}

// A broken message never breaks the route that looks at it, and has one answer
// if it can have any.
func FuzzErrorRoute(f *testing.F) {
	const whole = "OPTIONS sip:a@10.0.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa\r\n" +
		"From: <sip:alice@example.org>;tag=a\r\nTo: <sip:b@example.net>\r\nCall-ID: 1\r\n" +
		"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContact: <sip:a@10.0.0.1>\r\nX: a\r\n" +
		"Content-Length: 0\r\n\r\n"
	for _, edit := range [][2]string{
		{"CSeq: 1", "CSeq: x"}, {"Via: SIP", "Via: \x00SIP"}, {"From: <", "From: <<"},
		{"To: <sip:b@example.net>", "To: "}, {"Call-ID: 1", "Call-ID: 1 2"},
		{"Max-Forwards: 70", "Max-Forwards: 700"}, {"sip:a@10.0.0.9", "sip:a@10.0.0.9?x=y"},
		{"Content-Length: 0", "Content-Length: 10"}, {" SIP/2.0\r\nVia", " SIP/3.0\r\nVia"},
		{"X: a", "X a"}, {"X: a", "CSeq: 2 OPTIONS"}, {"From:", "Via:"}, {"sip:a@", "sip:%zz@["},
		{"Contact: <", "Contact: \"<"}, {"\r\n\r\n", "\r\n"}, {"OPTIONS sip", "ACK sip"},
	} {
		f.Add([]byte(strings.Replace(whole, edit[0], edit[1], 1)))
	}
	r, w := onWire(f, erroneous())
	f.Fuzz(func(t *testing.T, b []byte) {
		var m sip.Message
		err := m.Parse(b)
		w.sent = nil
		if err != nil {
			r.Receive(alice, b)
		}
		if n := r.Stats().Panics; n > 0 {
			t.Fatalf("%d panics", n)
		}
		want := 0
		if err != nil && m.Replyable() {
			want = 1
		}
		if len(w.sent) != want {
			t.Errorf("want %d answers, got %q", want, w.sent)
		}
		for _, reply := range w.sent {
			if err := m.Parse([]byte(reply)); !strings.HasPrefix(reply, "SIP/2.0 400 ") {
				t.Errorf("%v: %s", err, reply)
			}
		}
	})
}
