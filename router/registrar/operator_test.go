package registrar

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sipedge/backends"
)

func contactsOf(s *backends.Set) (list string) {
	for i := range s.Bindings {
		b := &s.Bindings[i]
		list += fmt.Sprintf("%d %s q=%d; ", b.ID, b.Contact, b.Q)
	}
	return strings.TrimSuffix(list, "; ")
}

func TestRemoval(t *testing.T) {
	for _, c := range []struct {
		contact, want string
		removed       int
	}{
		{"", "", 2},
		{"sip:bob@192.0.2.1", "1 sip:bob@192.0.2.2 q=1000", 1},
		{"sip:%62ob@192.0.2.1", "1 sip:bob@192.0.2.2 q=1000", 1}, // RFC 3261 §19.1.4
		{"sip:carol@192.0.2.1", "1 sip:bob@192.0.2.1 q=1000; 1 sip:bob@192.0.2.2 q=1000", 0},
		{"nonsense", "1 sip:bob@192.0.2.1 q=1000; 1 sip:bob@192.0.2.2 q=1000", 0},
	} {
		s := &backends.Set{Bindings: []backends.Binding{
			had("sip:bob@192.0.2.1", time.Hour), had("sip:bob@192.0.2.2", time.Hour),
		}}
		r := Removal{Contact: []byte(c.contact)}
		for range 2 { // it may be applied again
			again := &backends.Set{Bindings: append([]backends.Binding{}, s.Bindings...)}
			changed := r.Apply(again)
			if got := contactsOf(again); got != c.want || r.Removed != c.removed ||
				changed != (c.removed > 0) {
				t.Errorf("%q: changed %v, %d removed, got %q", c.contact, changed, r.Removed, got)
			}
		}
	}
}

func TestAddition(t *testing.T) {
	lives := func(b backends.Binding) backends.Binding {
		b.Expires = epoch.Add(time.Hour)
		return b
	}
	a, err := NewAddition(lives(backends.Binding{Contact: []byte("sip:bob@192.0.2.1"), Q: 500}), epoch)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ had, want string }{
		{"sip:bob@192.0.2.2", "1 sip:bob@192.0.2.2 q=1000; 0 sip:bob@192.0.2.1 q=500"},
		{"sip:bob@192.0.2.1", "1 sip:bob@192.0.2.1 q=500"},
	} {
		s := &backends.Set{Bindings: []backends.Binding{had(c.had, time.Minute)}}
		if !a.Apply(s) || contactsOf(s) != c.want {
			t.Errorf("beside %s: got %s", c.had, contactsOf(s))
		}
		if b := &s.Bindings[len(s.Bindings)-1]; !b.Expires.Equal(epoch.Add(time.Hour)) ||
			!b.Modified.Equal(epoch) || len(b.CallID) == 0 || b.CSeq != 1 {
			t.Errorf("got %+v", b)
		}
	}
	for want, b := range map[string]backends.Binding{
		"no SIP or tel URI": lives(backends.Binding{Contact: []byte("http://x")}),
		"too long":          lives(backends.Binding{Contact: []byte("sip:" + strings.Repeat("b", 255))}),
		"q is":              lives(backends.Binding{Contact: []byte("sip:a@b"), Q: 1001}),
		"no Path":           lives(backends.Binding{Contact: []byte("sip:a@b"), Path: []byte("sip:p")}),
		"no SIP URI":        lives(backends.Binding{Contact: []byte("sip:a@b"), Received: []byte("x")}),
		"lives for":         {Contact: []byte("sip:a@b"), Expires: epoch},
	} {
		if _, err := NewAddition(b, epoch); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
