package enum

import (
	"strings"
	"testing"

	"sipedge/sip"
	"sipedge/sip/resolve"
)

func TestRewrite(t *testing.T) {
	const number = "+441632960083"
	for _, test := range []struct{ rule, want string }{
		{"!^.*$!sip:bob@example.net!", "sip:bob@example.net"},
		{`!^\+44(.*)$!sip:\1@example.net!`, "sip:1632960083@example.net"},
		{`!^\+(44)(.*)$!sips:\2.\1@example.net!`, "sips:1632960083.44@example.net"},
		{`!^(.*)$!tel:\1!`, "tel:+441632960083"},
		{`!^\+44!sip:0!`, "sip:01632960083"}, // what was not matched stays
		{`/^.*$/sip:bob@example.net/`, "sip:bob@example.net"},
		{`#^.*$#sip:a\#b@example.net#`, "sip:a#b@example.net"},
		{`!^.*$!sip:a\!b@example.net!`, "sip:a!b@example.net"},
		{`|^(\+44\|0044).*$|sip:x@example.net|`, ""}, // escaped, it is no alternative
		{`!^(\+44|0044).*$!sip:x@example.net!i`, "sip:x@example.net"},
		{`!^\+[[:digit:]]{12}$!sip:x@example.net!`, "sip:x@example.net"},
		{`!^(\+44|\+441632)!sip:0!`, "sip:0960083"}, // the longest
		{`!(x)?44!sip:\1@!`, ""},
		{`!^.*$!sip:\1@example.net!`, ""}, // no such group
		{`!^.*$!sip:\0@example.net!`, "sip:0@example.net"},
		{`!^\+1!sip:x@example.net!`, ""},                   // does not match
		{`!^(.*$!sip:x@example.net!`, ""},                  // no expression
		{`!^\d+$!sip:x@example.net!`, ""},                  // nothing that POSIX knows
		{`!^.*?$!sip:x@example.net!`, "sip:x@example.net"}, // an optional .*
		{`!(?i)^.*$!sip:x@example.net!`, ""},
		{`!^.*$!sip:x@example.net`, ""},   // not ended
		{`!^.*$!sip:x@example.net!x`, ""}, // no such flag
		{`!^.*$!sip:x@example.net!i!`, ""},
		{`1^.*$1sip:x@example.net1`, ""},
		{`\^.*$\sip:x@example.net\`, ""},
		{`!^.*$!mailto:x@example.net!`, ""},
		{`!^.*$!sip:x@example.net?Route=%3Csip:y%3E!`, ""},
		{"!^.*$!sip:x@example.net\r\nRoute: <sip:y>!", ""},
		{`!^.*$!!`, ""},
		{`!!!`, ""},
		{"", ""},
		{"!", ""},
		{`!(((.{0,100}){0,100}){0,100}){0,100}!sip:x@example.net!`, ""},
	} {
		if got, ok := rewrite(test.rule, number); got != test.want && (ok || test.want != "") {
			t.Errorf("%s: want %q, got %q %v", test.rule, test.want, got, ok)
		}
	}
}

func TestOffers(t *testing.T) {
	for _, test := range []struct {
		field, service string
		legacy, want   bool
	}{
		{"E2U+sip", "sip", false, true},
		{"e2u+SIP", "sip", false, true},
		{"E2U+voice:sip", "sip", false, false},
		{"E2U+voice:sip+video:sip", "video:sip", false, true},
		{"E2U+pres+sip", "sip", false, true},
		{"sip+E2U", "sip", false, false},
		{"sip+E2U", "sip", true, true},
		{"SIP+D2U", "sip", true, false},
		{"E2U", "sip", true, false},
		{"E2U+", "sip", true, false},
		{"", "sip", true, false},
	} {
		n := resolve.NAPTR{Service: test.field}
		if got := offers(&n, test.service, test.legacy); got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}

func TestName(t *testing.T) {
	for _, test := range []struct {
		v            Variant
		number, want string
	}{
		{User, "+441632960083", "3.8.0.0.6.9.2.3.6.1.4.4.e164.arpa"},
		{User, "+12", "2.1.e164.arpa"},
		{User, "+123456789012345", "5.4.3.2.1.0.9.8.7.6.5.4.3.2.1.e164.arpa"},
		{User, "+1", ""},
		{User, "+1234567890123456", ""},
		{User, "441632960083", ""},
		{User, "+44-1632", ""},
		{User, "alice", ""},
		{User, "", ""},
		{Infrastructure, "+12125551234", "4.3.2.1.5.5.5.2.1.2.i.1.e164.arpa"},
		{Infrastructure, "+4930123", "3.2.1.0.3.i.9.4.e164.arpa"},
		{Infrastructure, "+35890123", "3.2.1.0.9.i.8.5.3.e164.arpa"},
		{Infrastructure, "+42", "i.2.4.e164.arpa"},
		{ISN, "1234*256", "4.3.2.1.256.e164.arpa"},
		{ISN, "1234", ""},
		{ISN, "*256", ""},
		{ISN, "1*2*3", ""},
		{ISN, "+1*2", ""},
	} {
		got, ok := test.v.name(test.number, "e164.arpa")
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%d %s: want %q, got %q %v", test.v, test.number, test.want, got, ok)
		}
	}
}

// FuzzRewrite: whatever a rule says, what comes of it is a URI that a request can go to.
func FuzzRewrite(f *testing.F) {
	for _, s := range []string{
		"!^.*$!sip:bob@example.net!", `!^\+44(.*)$!sip:\1@example.net!i`, `|a\|b|c\\|`, "!(a{9}){9}!x!",
	} {
		f.Add(s, "+441632960083")
	}
	f.Fuzz(func(t *testing.T, rule, number string) {
		if len(rule) > 255 || len(number) > 16 {
			return
		}
		uri, ok := rewrite(rule, number)
		if !ok {
			return
		}
		u, err := sip.ParseURI([]byte(uri))
		if err != nil || u.Scheme == sip.SchemeOther || strings.ContainsAny(uri, "\r\n \x00") {
			t.Errorf("%q makes %q of %q", rule, uri, number)
		}
	})
}
