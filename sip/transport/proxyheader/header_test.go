package proxyheader

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
)

// v2 is a header of version 2.
func v2(command, family byte, after string) string {
	n := len(after)
	return string(signature) + string([]byte{command, family, byte(n >> 8), byte(n)}) + after
}

const (
	// 192.0.2.7:40000 to 198.51.100.1:5060
	addresses4 = "\xC0\x00\x02\x07\xC6\x33\x64\x01\x9C\x40\x13\xC4"
	source6    = "\x20\x01\x0D\xB8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07"
	addresses6 = source6 + source6 + "\x9C\x40\x13\xC4"
	mapped4    = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xFF\xFF\xC0\x00\x02\x07"
)

var headers = []struct{ name, text, client string }{
	{"version 1, IPv4", "PROXY TCP4 192.0.2.7 198.51.100.1 40000 5060\r\n", "192.0.2.7:40000"},
	{"version 1, IPv6", "PROXY TCP6 2001:db8::7 2001:db8::1 40000 5060\r\n", "[2001:db8::7]:40000"},
	{"version 1, the shortest", "PROXY TCP6 :: :: 1 1\r\n", "[::]:1"},
	{"version 1, unknown", "PROXY UNKNOWN\r\n", ""},
	{"version 1, unknown with more", "PROXY UNKNOWN ff::1 ff::2 1 2\r\n", ""},
	{"version 2, IPv4", v2(proxy, tcp4, addresses4), "192.0.2.7:40000"},
	{"version 2, IPv6", v2(proxy, tcp6, addresses6), "[2001:db8::7]:40000"},
	{"version 2, mapped", v2(proxy, tcp6, mapped4+mapped4+"\x9C\x40\x13\xC4"), "192.0.2.7:40000"},
	{"version 2, with more", v2(proxy, tcp4, addresses4+strings.Repeat("x", 1000)), "192.0.2.7:40000"},
	{"version 2, local", v2(local, 0, ""), ""},
	{"version 2, local with addresses", v2(local, tcp4, addresses4), ""},
	{"version 2, unspecified", v2(proxy, 0, "abc"), ""},
}

func TestHeaders(t *testing.T) {
	for _, h := range headers {
		const rest = "OPTIONS sip:a SIP/2.0\r\n"
		for how, r := range map[string]io.Reader{
			"at once":      strings.NewReader(h.text + rest),
			"byte by byte": iotest.OneByteReader(strings.NewReader(h.text + rest)),
		} {
			client, err := read(r)
			if err != nil || client.IsValid() != (h.client != "") ||
				client.IsValid() && client.String() != h.client {
				t.Errorf("%s, %s: %v, %v; want %s", h.name, how, client, err, h.client)
			}
			if after, _ := io.ReadAll(r); string(after) != rest {
				t.Errorf("%s, %s: %q is left, want the message", h.name, how, after)
			}
		}
		for n := range len(h.text) {
			if _, err := read(strings.NewReader(h.text[:n])); err == nil {
				t.Errorf("%s, %d bytes of it: no error", h.name, n)
			}
		}
	}
}

func TestNoHeaders(t *testing.T) {
	for name, text := range map[string]string{
		"SIP":                "OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n",
		"CRLF":               strings.Repeat("\r\n", 20),
		"another protocol":   "PROXY UDP4 192.0.2.7 198.51.100.1 40000 5060\r\n",
		"families mixed":     "PROXY TCP4 2001:db8::7 198.51.100.1 40000 5060\r\n",
		"mapped as IPv4":     "PROXY TCP4 ::ffff:192.0.2.7 198.51.100.1 40000 5060\r\n",
		"a zone":             "PROXY TCP6 fe80::1%eth0 2001:db8::1 40000 5060\r\n",
		"no port":            "PROXY TCP4 192.0.2.7 198.51.100.1 5060\r\n",
		"a port too high":    "PROXY TCP4 192.0.2.7 198.51.100.1 65536 5060\r\n",
		"no destination":     "PROXY TCP6 2001:db8::7  40000 \r\n",
		"a sign":             "PROXY TCP4 192.0.2.7 198.51.100.1 +1 5060\r\n",
		"two spaces":         "PROXY  TCP4 192.0.2.7 198.51.100.1 40000 5060\r\n",
		"only LF":            "PROXY TCP4 192.0.2.7 198.51.100.1 40000 5060\n" + strings.Repeat("x", 200),
		"endless":            "PROXY UNKNOWN " + strings.Repeat("x", 200),
		"version 3":          v2(0x31, tcp4, addresses4),
		"another command":    v2(0x22, tcp4, addresses4),
		"datagrams":          v2(proxy, 0x12, addresses4),
		"UNIX":               v2(proxy, 0x31, strings.Repeat("\x00", 216)),
		"addresses missing":  v2(proxy, tcp4, addresses4[:11]),
		"addresses missing6": v2(proxy, tcp6, addresses6[:35]),
		"very long":          v2(local, 0, strings.Repeat("x", mostAfter+1)),
	} {
		r := strings.NewReader(text)
		if client, err := read(r); !errors.Is(err, errHeader) || client.IsValid() {
			t.Errorf("%s: %v, %v; want errHeader alone", name, client, err)
		}
		if taken := len(text) - r.Len(); taken > 256 {
			t.Errorf("%s: %d bytes read", name, taken)
		}
	}
}

// Whatever comes: no panic, nothing read beyond the bounds, and what is taken off is the same
// however it arrives.
func FuzzHeader(f *testing.F) {
	for _, h := range headers {
		f.Add([]byte(h.text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, piecewise := bytes.NewReader(b), bytes.NewReader(b)
		client, err := read(whole)
		again, err2 := read(iotest.OneByteReader(piecewise))
		if client != again || (err == nil) != (err2 == nil) || whole.Len() != piecewise.Len() {
			t.Errorf("%v, %v at once; %v, %v byte by byte", client, err, again, err2)
		}
		if taken := len(b) - whole.Len(); taken > fixed+mostAfter {
			t.Errorf("%d bytes read", taken)
		}
		if err != nil && client != (netip.AddrPort{}) {
			t.Errorf("%v and a client, %v", err, client)
		}
	})
}
