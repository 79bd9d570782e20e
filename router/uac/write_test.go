package uac

import (
	"testing"

	"pgregory.net/rapid"

	"sipedge/sip"
)

// Whatever a policy may ask for, the request is one that a parser takes, and says it.
func TestRequestIsWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.SampledFrom([]string{"example.net", "192.0.2.1", "2001:db8::1"}).Draw(t, "host")
		uri := "sip:" + rapid.StringMatching(`[a-z0-9]{1,9}(%4[0-9])?`).Draw(t, "user") + "@" +
			string(sip.AppendHost(nil, []byte(host))) +
			rapid.SampledFrom([]string{"", ";transport=tcp", ";user=phone;x"}).Draw(t, "params")
		r := &Request{
			Method: rapid.SampledFrom([]string{"OPTIONS", "MESSAGE", "WIBBLE"}).Draw(t, "method"),
			URI:    []byte(uri), Headers: []byte("X-A: b\r\n"),
			Body: rapid.SliceOf(rapid.Byte()).Draw(t, "body"),
		}
		if rapid.Bool().Draw(t, "from") {
			r.From = []byte(uri)
		}
		var m sip.Message
		if err := m.Parse(appendRequest(nil, &Settings{Name: host}, r)); err != nil {
			t.Fatalf("%v: %s", err, m.Raw())
		}
		to, _ := m.To()
		if string(m.RURI()) != uri || string(to.URI) != uri || m.ToTag() != nil ||
			string(m.MethodName()) != r.Method || len(m.FromTag()) == 0 ||
			string(m.Body()) != string(r.Body) || m.Find("X-A") < 0 {
			t.Errorf("not what was asked for: %s", m.Raw())
		}
	})
}

// No two requests share what tells them apart.
func TestRequestsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		var m sip.Message
		r := &Request{Method: "OPTIONS", URI: []byte("sip:192.0.2.1")}
		if err := m.Parse(appendRequest(nil, &Settings{Name: "example.net"}, r)); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{string(m.CallID()), string(m.FromTag())} {
			if seen[id] {
				t.Fatalf("%s twice", id)
			}
			seen[id] = true
		}
	}
}
