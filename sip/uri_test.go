package sip

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func TestParseURI(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"sip:alice@atlanta.com", `sip "alice" "" atlanta.com 0 "" ""`},
		{"sip:alice:secretword@atlanta.com;transport=tcp",
			`sip "alice" "secretword" atlanta.com 0 ";transport=tcp" ""`},
		{"sips:alice@atlanta.com?subject=project%20x&priority=urgent",
			`sips "alice" "" atlanta.com 0 "" "subject=project%20x&priority=urgent"`},
		{"sip:+1-212-555-1212:1234@gateway.com;user=phone",
			`sip "+1-212-555-1212" "1234" gateway.com 0 ";user=phone" ""`},
		{"sips:1212@gateway.com", `sips "1212" "" gateway.com 0 "" ""`},
		{"sip:alice@192.0.2.4", `sip "alice" "" 192.0.2.4 0 "" ""`},
		{"sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
			`sip "" "" atlanta.com 0 ";method=REGISTER" "to=alice%40atlanta.com"`},
		{"sip:alice;day=tuesday@atlanta.com", `sip "alice;day=tuesday" "" atlanta.com 0 "" ""`},
		{"SIP:a@[2001:db8::1]:5061;lr", `sip "a" "" 2001:db8::1 5061 ";lr" ""`},
		{"sip:*21#@host_1.example.", `sip "*21#" "" host_1.example. 0 "" ""`},
		{"sip:@host", `sip "" "" host 0 "" ""`},
		{"sip:h?", `sip "" "" h 0 "" ""`},
		{"tel:+1(212)555.0101;phone-context=a", `tel "+1(212)555.0101" "" "" 0 ";phone-context=a" ""`},
		{"tel:*21#", `tel "*21#" "" "" 0 "" ""`},
		{"urn:service:sos", `"urn" "" "" "" 0 "" ""`},
		{"http://x", `"http" "" "" "" 0 "" ""`},
		{"", "uri"}, {"sip", "uri"}, {"sip:", "uri"}, {":a", "uri"}, {"1a:b", "uri"},
		{"<sip:a@b>", "uri"}, {"sip:a b@c", "uri"}, {"sip:a@b c", "uri"}, {"sip:a@b\t", "uri"},
		{"sip:a@", "uri"}, {"sip:a@b@c", "uri"}, {"sip:a@b:", "uri"}, {"sip:a@b:x", "uri"},
		{"sip:a@b:0", "uri"}, {"sip:a@b:65536", "uri"}, {"sip:a@b/c", "uri"}, {"sip:;lr", "uri"},
		{"sip:2001:db8::1", "uri"}, {"sip:[2001:db8::1", "uri"}, {"sip:[::1]x", "uri"},
		{"sip:[1.2.3.4]", "uri"}, {"sip:[fe80::1%25eth0]", "uri"}, {"sip:a@\"b\"", "uri"},
		{"sip:h" + strings.Repeat(";a", 64), `sip "" "" h 0 "` + strings.Repeat(";a", 64) + `" ""`},
		{"sip:h" + strings.Repeat(";a", 65), "limit"}, {"tel:1" + strings.Repeat(";a", 65), "limit"},
		{"sip:h?" + strings.Repeat("a&", 64), "limit"},
		{"tel:", "uri"}, {"tel:;ext=1", "uri"}, {"tel:bob", "uri"},
	} {
		u, err := ParseURI([]byte(c.in))
		got := fmt.Sprintf("%s %q %q %s %d %q %q", u.Scheme, u.User, u.Password, u.Host, u.Port,
			u.Params, u.Headers)
		if u.Host == nil {
			got = fmt.Sprintf("%s %q %q %q %d %q %q", u.Scheme, u.User, u.Password, u.Host, u.Port,
				u.Params, u.Headers)
		}
		if u.Scheme == SchemeOther {
			got = fmt.Sprintf("%q", u.SchemeName) + got
		}
		if err != nil {
			got = err.(*ParseError).Class
		}
		if got != c.want {
			t.Errorf("%s: want %s, got %s", c.in, c.want, got)
		}
		if err == nil && string(u.AppendTo(nil)) != c.in {
			t.Errorf("%s: written as %s", c.in, u.AppendTo(nil))
		}
	}
}

func TestURIWriteParts(t *testing.T) {
	u, err := ParseURI([]byte("sip:a@b:5060;lr?x=y"))
	if err != nil {
		t.Fatal(err)
	}
	u.Scheme, u.User, u.Password = SIPS, []byte("c"), []byte("d")
	u.Host, u.Port, u.Headers = []byte("2001:db8::1"), 0, nil
	if got, want := string(u.AppendTo(nil)), "sips:c:d@[2001:db8::1];lr"; got != want {
		t.Errorf("want %s, got %s", want, got)
	}
	if addr, ok := u.Addr(); !ok || addr != netip.MustParseAddr("2001:db8::1") {
		t.Errorf("address %s", addr)
	}
}

func TestURIParam(t *testing.T) {
	u, err := ParseURI([]byte("sip:a@b;LR;transport=TcP;%74tl=15;x="))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"lr": `"" true`, "transport": `"TcP" true`, "ttl": `"15" true`, "x": `"" true`,
		"maddr": `"" false`,
	} {
		v, ok := u.Param(name)
		if got := fmt.Sprintf("%q %v", v, ok); got != want {
			t.Errorf("%s: want %s, got %s", name, want, got)
		}
	}
	if u.Transport() != TCP {
		t.Errorf("transport %s", u.Transport())
	}
}

func TestURIEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		// RFC 3261 §19.1.4, the examples.
		{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true},
		{"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
		{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
			"sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
		{"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
			"sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
		{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
		{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
		{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
		// Its rules.
		{"sip:a@b", "sips:a@b", false},
		{"sip:a@b", "sip:b", false},
		{"sip:a@b", "sip:a:@b", false},
		{"sip:a:X@b", "sip:a:x@b", false},
		{"sip:a:%58@b", "sip:a:X@b", true},
		{"sip:a%2Cb@c", "sip:a,b@c", false}, // reserved
		{"sip:a%2Cb@c", "sip:a%2cb@c", true},
		{"sip:a%zz@c", "sip:a%zz@c", true},
		{"sip:a@b;user=phone", "sip:a@b", false},
		{"sip:a@b;ttl=1", "sip:a@b", false},
		{"sip:a@b;method=INVITE", "sip:a@b", false},
		{"sip:a@b;maddr=1.2.3.4", "sip:a@b", false},
		{"sip:a@b;ttl=1", "sip:a@b;TTL=2", false},
		{"sip:a@b;lr", "sip:a@b;%6Cr", true},
		{"sip:a@b;x=1;x=2", "sip:a@b;x=1", true},
		{"sip:a@b;x=2", "sip:a@b;x=1;x=2", false},
		{"sip:a@b?h=1&h=1", "sip:a@b?h=1", false},
		{"sip:a@b?h=1&g=2", "sip:a@b?G=2&H=1", true},
		{"sip:a@b?h=x", "sip:a@b?h=X", false},
		{"sip:a@[::1]", "sip:a@[0:0::0:1]", true},
		{"sip:a@[::ffff:192.0.2.1]", "sip:a@192.0.2.1", true},
		{"sip:a@b.", "sip:a@B", true},
		// RFC 3966 §4.
		{"tel:+1-212-555-0101", "tel:+1(212)5550101", true},
		{"tel:+12125550101", "tel:12125550101", false},
		{"tel:5550101;ext=1-2;phone-context=Example.com",
			"tel:555-0101;phone-context=example.COM;EXT=12", true},
		{"tel:5550101;phone-context=+1-212", "tel:5550101;phone-context=+1212", true},
		{"tel:5550101;phone-context=a", "tel:5550101", false},
		{"tel:1;ext=1", "tel:1;ext=2", false},
		{"tel:0aB", "tel:0Ab", true},
		{"tel:1", "sip:1", false},
		// Other schemes.
		{"urn:a", "urn:a", true},
		{"urn:a", "urn:A", false},
	} {
		a, err := ParseURI([]byte(c.a))
		if err != nil {
			t.Fatalf("%s: %v", c.a, err)
		}
		b, err := ParseURI([]byte(c.b))
		if err != nil {
			t.Fatalf("%s: %v", c.b, err)
		}
		if a.Equal(&b) != c.want || b.Equal(&a) != c.want {
			t.Errorf("%s and %s: want %v, got %v and %v", c.a, c.b, c.want, a.Equal(&b), b.Equal(&a))
		}
		if !a.Equal(&a) || !b.Equal(&b) {
			t.Errorf("%s or %s is not equal to itself", c.a, c.b)
		}
	}
}

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a%41%2b%zz%4", "aA+%zz%4"}, {"%", "%"}, {"%00", "\x00"}, {"%%41", "%A"},
	} {
		if got := string(AppendUnescaped(nil, []byte(c.in))); got != c.want {
			t.Errorf("%s: want %q, got %q", c.in, c.want, got)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"bob", "bob"}, {"a b@c:d%", "a%20b%40c%3Ad%25"},
		{"+1;x=y,&$?/-_.!~*'()", "+1;x=y,&$?/-_.!~*'()"},
		{"#\xc3\xa9", "%23%C3%A9"},
	} {
		if got := string(AppendUserEscaped(nil, []byte(c.in))); got != c.want {
			t.Errorf("%s: want %s, got %s", c.in, c.want, got)
		}
	}
}

func TestHost(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"Example.COM", "example.com", true}, {"example.com.", "example.com", true},
		{"a", "b", false}, {"192.0.2.1", "192.0.2.1", true}, {"192.0.2.1", "192.0.2.10", false},
		{"[::1]", "::1", true}, {"2001:DB8:0::1", "2001:db8::1", true}, {"::1", "::2", false},
		{"::ffff:1.2.3.4", "1.2.3.4", true}, {"1.2.3.4", "a", false}, {"a", "1.2.3.4", false},
		{"1.2.3.4.5", "1.2.3.4.5", true}, {"01.2.3.4", "1.2.3.4", false},
	} {
		if got := EqualHost([]byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("%s %s: want %v", c.a, c.b, c.want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"2001:db8:::192.0.2.1", "2001:db8::c000:201"}, {":::192.0.2.1", "::c000:201"},
		{"2001:db8:::1", ""}, {"2001:db8::::192.0.2.1", ""}, {"1::2:::1.2.3.4", ""},
	} {
		addr, ok := ParseAddr([]byte(c.in))
		if got := addr.String(); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s: want %q, got %q %v", c.in, c.want, got, ok)
		}
	}
}

// naiveAddr is ParseAddr over net/netip.
func naiveAddr(s string) (netip.Addr, error) {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") && len(s) > 1 {
		s = s[1 : len(s)-1]
	}
	if i := strings.Index(s, ":::"); i >= 0 && strings.Count(s[i+2:], ":") == 1 {
		if v4, err := netip.ParseAddr(s[i+3:]); err == nil && v4.Is4() {
			s = s[:i] + "::" + s[i+3:]
		}
	}
	addr, err := netip.ParseAddr(s)
	if err == nil && addr.Zone() != "" {
		return addr, errors.New("a zone")
	}
	return addr, err
}
