package sip

import (
	"strings"
	"testing"
)

func TestLookupHeader(t *testing.T) {
	for id := HeaderOther + 1; id < headerCount; id++ {
		name := id.String()
		if name == "" {
			t.Fatalf("header %d has no name", id)
		}
		for _, form := range []string{name, strings.ToUpper(name), strings.ToLower(name)} {
			if got := LookupHeader([]byte(form)); got != id {
				t.Errorf("%s: want %d, got %d (%s): do two hash alike?", form, id, got, got)
			}
		}
		if got := LookupHeader([]byte(name + "x")); got != HeaderOther {
			t.Errorf("%sx: got %s", name, got)
		}
		for i := range name { // no byte is passed over
			wrong := []byte(name)
			wrong[i] ^= 'a' ^ '!'
			if got := LookupHeader(wrong); got != HeaderOther {
				t.Errorf("%s: got %s", wrong, got)
			}
		}
	}
	for compact, want := range map[string]HeaderID{
		"v": Via, "F": From, "t": To, "i": CallID, "m": Contact, "l": ContentLength,
		"c": ContentType, "e": ContentEncoding, "k": Supported, "s": Subject, "o": Event,
		"u": AllowEvents, "r": ReferTo, "b": ReferredBy, "x": SessionExpires, "Y": Identity,
		"a": AcceptContact, "j": RejectContact, "d": RequestDisposition, "n": IdentityInfo,
		"": HeaderOther, "z": HeaderOther, "Contakt": HeaderOther, "Call ID": HeaderOther,
		"Call\rID": HeaderOther, "To\x00": HeaderOther, "\x00": HeaderOther,
	} {
		if got := LookupHeader([]byte(compact)); got != want {
			t.Errorf("%q: want %s, got %s", compact, want, got)
		}
	}
}

func TestLookupMethod(t *testing.T) {
	for m := INVITE; m <= PRACK; m++ {
		if got := LookupMethod([]byte(m.String())); got != m {
			t.Errorf("%s: got %s", m, got)
		}
	}
	for _, name := range []string{"", "invite", "Invite", "INVITES", "RE%47IST%45R"} {
		if got := LookupMethod([]byte(name)); got != Other {
			t.Errorf("%q: got %s", name, got)
		}
	}
}

func TestTransport(t *testing.T) {
	for tr := UDP; tr <= WSS; tr++ {
		for _, name := range []string{tr.String(), tr.ViaName()} {
			if got := LookupTransport([]byte(name)); got != tr {
				t.Errorf("%s: got %s", name, got)
			}
		}
		if tr.Reliable() == (tr == UDP) {
			t.Errorf("%s: reliable %v", tr, tr.Reliable())
		}
	}
	if got := LookupTransport([]byte("TLS-SCTP")); got != NoTransport {
		t.Errorf("TLS-SCTP: got %s", got)
	}
	for tr, port := range map[Transport]uint16{UDP: 5060, TCP: 5060, TLS: 5061, WS: 80, WSS: 443} {
		if got := tr.DefaultPort(); got != port {
			t.Errorf("%s: want port %d, got %d", tr, port, got)
		}
	}
}

func TestUnfold(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a b", "a b"},
		{"a  b\t c", "a  b\t c"},
		{"a\r\n b", "a b"},
		{"a \t\r\n\t  b\n c", "a b c"},
		{"", ""},
	} {
		if got := string(Unfold(nil, []byte(c.in))); got != c.want {
			t.Errorf("%q: want %q, got %q", c.in, c.want, got)
		}
	}
}
