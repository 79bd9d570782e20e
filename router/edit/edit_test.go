package edit

import (
	"errors"
	"testing"

	"sipedge/sip"
)

func request(t *testing.T, ruri, fields string) *sip.Message {
	t.Helper()
	m := new(sip.Message)
	if err := m.Parse([]byte("INVITE " + ruri + " SIP/2.0\r\n" + fields +
		"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n" +
		"To: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	return m
}

// What cannot be written leaves the Request-URI as it was.
func TestRequestURI(t *testing.T) {
	user := func(s string) func(*sip.Message) error {
		return func(m *sip.Message) error { return SetUser(m, []byte(s)) }
	}
	host := func(s string) func(*sip.Message) error {
		return func(m *sip.Message) error { return SetHost(m, []byte(s)) }
	}
	strip := func(n int, tail bool) func(*sip.Message) error {
		return func(m *sip.Message) error { return StripUser(m, n, tail) }
	}
	for _, c := range []struct {
		ruri string
		edit func(*sip.Message) error
		want string
		err  error
	}{
		{"sip:bob@example.net", user("al ice%20"), "sip:al%20ice%20@example.net", nil},
		{"sip:bob@example.net", user(""), "sip:bob@example.net", ErrUser},
		{"tel:+4930", user("bob"), "tel:+4930", ErrURI},
		{"urn:service:sos", user("bob"), "urn:service:sos", ErrURI},
		{"sip:bob@example.net:5070", host("2001:db8::1"), "sip:bob@[2001:db8::1]:5070", nil},
		{"sip:bob@example.net", host("a b"), "sip:bob@example.net", ErrHost},
		{"sip:bob@example.net", host("evil@b"), "sip:bob@example.net", ErrHost},
		{"tel:+4930", host("example.net"), "tel:+4930", ErrHost},
		{"sip:%41bob@example.net", strip(1, false), "sip:bob@example.net", nil},
		{"sip:bob%41@example.net", strip(1, true), "sip:bob@example.net", nil},
		{"sip:bob@example.net", strip(3, false), "sip:bob@example.net", ErrShort},
		{"sip:bob@example.net", strip(3, true), "sip:bob@example.net", ErrShort},
		{"sip:bob@example.net", strip(4, true), "sip:bob@example.net", ErrShort},
	} {
		m := request(t, c.ruri, "")
		if err := c.edit(m); !errors.Is(err, c.err) {
			t.Errorf("%s: error %v, want %v", c.ruri, err, c.err)
		}
		if got := string(m.RURI()); got != c.want {
			t.Errorf("%s: got %s, want %s", c.ruri, got, c.want)
		}
	}
}

// SetHeader leaves one field of the name, or none.
func TestSetHeader(t *testing.T) {
	for value, want := range map[string]int{"c": 1, "": 0} {
		m := request(t, "sip:bob@example.net", "X-A: a\r\nX-A: b\r\n")
		SetHeader(m, "X-A", []byte(value))
		count := 0
		for i := m.Find("X-A"); i >= 0; i = m.Next(i) {
			count++
			if got := string(m.Value(i)); got != value {
				t.Errorf("got %q, want %q", got, value)
			}
		}
		if count != want {
			t.Errorf("%q: %d fields, want %d", value, count, want)
		}
	}
}

// What a message says never ends a line of another.
func TestNoInjection(t *testing.T) {
	got := string(AppendHeader(nil, "X", []byte("a\r\nVia: evil\x00b")))
	if got != "X: a  Via: evil b\r\n" {
		t.Errorf("got %q", got)
	}
	if got := AppendHeader(nil, "X", nil); len(got) > 0 {
		t.Errorf("a field without a value: %q", got)
	}
}
