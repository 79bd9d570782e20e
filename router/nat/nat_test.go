package nat

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// received is a message with a top Via and a Contact, from a source.
func received(t *testing.T, start, via, contact, source, body string) *job.Job {
	t.Helper()
	text := start + "\r\nVia: SIP/2.0/UDP " + via + ";branch=z9hG4bK1\r\n" +
		"From: <sip:a@example.net>;tag=a\r\nTo: <sip:b@example.net>\r\nCall-ID: 1\r\n" +
		"CSeq: 1 INVITE\r\nContact: " + contact + "\r\nContent-Type: application/sdp\r\n\r\n" + body
	j := new(job.Job)
	j.Reset()
	j.Place, j.Msg = schema.InRequest, new(sip.Message)
	if strings.HasPrefix(start, "SIP") {
		j.Place = schema.InReply
	}
	j.Flow = transport.Flow{Transport: sip.UDP, Remote: netip.MustParseAddrPort(source)}
	if err := j.Msg.Parse([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return j
}

const (
	invite = "INVITE sip:b@example.net SIP/2.0"
	ok     = "SIP/2.0 200 OK"
)

func TestTests(t *testing.T) {
	for _, tt := range []struct{ start, via, contact, source, body, want string }{
		{invite, "198.51.100.1", "<sip:a@198.51.100.1>", "198.51.100.1:5060", "", ""},
		{invite, "198.51.100.1", "<sip:a@198.51.100.1>", "198.51.100.1:40001", "",
			"diff_port_src_via diff_port_src_contact"},
		{invite, "198.51.100.2:5070", "<sip:a@198.51.100.1:5070>", "198.51.100.1:5070", "",
			"diff_ip_src_via"},
		{invite, "192.168.1.1", "<sip:a@10.0.0.1>", "198.51.100.1:5060", "c=IN IP4 172.16.0.1",
			"private_contact diff_ip_src_via private_via private_sdp diff_ip_src_contact"},
		{invite, "100.64.0.1", "<sip:a@100.127.255.255>", "198.51.100.1:5060", "",
			"private_contact diff_ip_src_via private_via diff_ip_src_contact"},
		{invite, "10.0.0.1", "<sip:a@10.0.0.1>", "10.0.0.1:5060", "", ""}, // no NAT between
		{invite, "10.0.0.1", "<sip:a@10.0.0.1>", "[::ffff:10.0.0.1]:5060", "", ""},
		{invite, "[fd00::1]", "<sip:a@[fd00::1]>", "[2001:db8::1]:5060", "",
			"private_contact diff_ip_src_via private_via diff_ip_src_contact"},
		{invite, "x7.INVALID", "<sip:a@x7.INVALID;transport=ws>", "198.51.100.1:5060", "",
			"private_contact diff_ip_src_via diff_ip_src_contact"},
		{invite, "198.51.100.1", "*", "198.51.100.1:5060", "", ""},
		{ok, "192.168.1.1:1", "<sip:a@10.0.0.1>", "198.51.100.1:5060", "", // its Via is ours
			"private_contact diff_ip_src_contact"},
	} {
		j := received(t, tt.start, tt.via, tt.contact, tt.source, tt.body)
		var got []string
		for i := range all {
			if Read([]string{all[i].name}).Hold(j) {
				got = append(got, all[i].name)
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s Via %s Contact %s from %s: want %q, got %q",
				tt.start, tt.via, tt.contact, tt.source, tt.want, s)
		}
	}
	j := received(t, invite, "10.0.0.1", "<sip:a@10.0.0.1>", "198.51.100.1:1", "")
	if Read(nil).Hold(j) {
		t.Error("no test holds")
	}
}

// marked writes which Call-ID it was asked for.
type marked struct{}

func (marked) AppendFlow(dst, uri []byte, f transport.Flow, callID []byte) []byte {
	return append(append(append(dst, uri...), ";"+f.Remote.String()+"/"...), callID...)
}

func TestFix(t *testing.T) {
	const from = "198.51.100.1:40001"
	for _, tt := range []struct{ how, start, contact, want string }{
		{"flow", invite, "<sip:a@10.0.0.1>", "<sip:a@10.0.0.1;198.51.100.1:40001/1>"},
		{"flow", invite, `"<" <sip:a@b;c>;d=e`, `"<" <sip:a@b;c;198.51.100.1:40001/1>;d=e`},
		{"flow", invite, "sip:a@b;d=e", "<sip:a@b;198.51.100.1:40001/1>;d=e"},
		{"flow", invite, "tel:+1", "tel:+1"},
		{"flow", invite, "*", "*"},
		{"flow", ok, "<sip:a@b>", "<sip:a@b;198.51.100.1:40001/1>"},
		{"flow", "SIP/2.0 302 Moved", "<sip:a@b>", "<sip:a@b>"},
		{"keep", invite, "<sip:a@10.0.0.1>", "<sip:a@10.0.0.1>"},
		{"rewrite", invite, "<sips:a:b@10.0.0.1:1;x?y=z>", "<sips:a:b@198.51.100.1:40001;x?y=z>"},
		{"rewrite", invite, "<sip:10.0.0.1>", "<sip:198.51.100.1:40001>"},
	} {
		j := received(t, tt.start, "10.0.0.1", tt.contact, from, "c=IN IP4 10.0.0.1\r\n")
		args := schema.Value{Kind: schema.Map, Keys: []schema.Key{
			{Name: "contact", Value: schema.Value{Kind: schema.String, S: tt.how}},
			{Name: "sdp", Value: schema.Value{Kind: schema.Bool, B: true}},
		}}
		if _, err := NewFix(marked{}, &args).Run(context.Background(), j); err != nil {
			t.Error(err)
		}
		if got := string(j.Msg.Get(sip.Contact)); got != tt.want {
			t.Errorf("%s %s: want %s, got %s", tt.how, tt.contact, tt.want, got)
		}
		if got, want := string(j.Msg.Body()), "c=IN IP4 198.51.100.1\r\n"; got != want {
			t.Errorf("body: want %q, got %q", want, got)
		}
	}
}
