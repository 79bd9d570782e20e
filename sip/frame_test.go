package sip

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// frames feeds a stream in pieces and returns what the Framer found:
// messages in brackets, "ping", "!" and the class of an error.
func frames(pieces []string, max int) string {
	var f Framer
	var buf []byte
	var out []string
	for _, piece := range pieces {
		buf = append(buf, piece...)
		for {
			kind, n, err := f.Next(buf, max)
			var e *ParseError
			if errors.As(err, &e) {
				return strings.Join(append(out, fmt.Sprintf("!%d %s", e.Status, e.Class)), " ")
			}
			switch kind {
			case Complete:
				out = append(out, fmt.Sprintf("[%s]", buf[:n]))
			case Ping:
				out = append(out, "ping")
			}
			if buf = buf[n:]; kind == Incomplete {
				break
			}
		}
	}
	if len(buf) > 0 {
		out = append(out, fmt.Sprintf("+%d", len(buf)))
	}
	return strings.Join(out, " ")
}

func TestFramer(t *testing.T) {
	const A = "A b SIP/2.0" // and then a line end
	const a, b = A + "\r\nl:3\r\n\r\nxyz", "SIP/2.0 x\nContent-Length :\n 0\n\n"
	for _, c := range []struct{ name, in, want string }{
		{"none", "", ""},
		{"one", a, "[" + a + "]"},
		{"two", a + b, "[" + a + "] [" + b + "]"},
		{"between", "\r\n" + a + "\r\n\n" + b + "\r\n", "[" + a + "] [" + b + "]"},
		{"ping", "\r\n\r\n" + a + "\r\n\r\n\r\n\r\n", "ping [" + a + "] ping ping"},
		{"begun", a + "X", "[" + a + "] +1"},
		{"half a line end", a + "\r", "[" + a + "] +1"},
		{"body missing", a[:len(a)-1], fmt.Sprintf("+%d", len(a)-1)},
		{"folded", A + "\r\nL:\r\n\t3\r\nX: y\r\n\r\nxyz", "[" + A + "\r\nL:\r\n\t3\r\nX: y\r\n\r\nxyz]"},
		{"folded neighbour", A + "\r\nl: 0\r\nX: y\r\n 3\r\n\r\n",
			"[" + A + "\r\nl: 0\r\nX: y\r\n 3\r\n\r\n]"},
		{"no length", A + "\r\nX: y\r\n\r\n", "!400 content-length"},
		{"first line is no field", "l: 0 SIP/2.0\r\n\r\n", "!400 start-line"},
		{"first line is no field, a token", "l 0 SIP/2.0\r\n\r\n", "!400 content-length"},
		{"malformed, but SIP", "A  b  SIP/3.0 \r\nl: 0\r\n\r\n", "[A  b  SIP/3.0 \r\nl: 0\r\n\r\n]"},
		{"HTTP", "GET / HTTP/1.1\r\nHost: a\r\n", "!400 start-line"},
		{"garbage", "\x16\x03\x01\n", "!400 start-line"},
		{"garbage behind a message", b + "rest of a body\r\n", "[" + b + "] !400 start-line"},
		{"differ", A + "\r\nl: 1\r\nContent-Length: 2\r\n\r\n", "!400 duplicate"},
		{"twice", A + "\r\nl: 1\r\nl: 1\r\n\r\n", "!400 duplicate"},
		{"negative", A + "\r\nl: -1\r\n\r\n", "!400 content-length"},
		{"empty length", A + "\r\nl:\r\n\r\n", "!400 content-length"},
		{"folded into two", A + "\r\nl: 1\r\n 2\r\n\r\n", "!400 content-length"},
		{"too big", A + "\r\nl: 999\r\n\r\n", "!413 limit"},
		{"huge", A + "\r\nl: 99999999999999999999\r\n\r\n", "!400 content-length"},
		{"header too big", A + "\r\nX: " + strings.Repeat("y", 200), "!513 limit"},
	} {
		if got := frames([]string{c.in}, 100); got != c.want {
			t.Errorf("%s: want %q, got %q", c.name, c.want, got)
		}
		if got := frames(strings.Split(c.in, ""), 100); got != c.want {
			t.Errorf("%s, byte by byte: want %q, got %q", c.name, c.want, got)
		}
	}
}

// However a stream is cut, the same frames come out.
func TestFramerSplits(t *testing.T) {
	parts := []string{invite, options, odd, "\r\n", "\r\n\r\n", "\n", "A b SIP/2.0\r\nl: 1\r\n\r\nx",
		"A b SIP/2.0\r\nl: 1\r\n 2\r\n\r\n", "A b SIP/2.0\r\n\r\n", "A b\r\n", "\r", "x"}
	rapid.Check(t, func(t *rapid.T) {
		stream := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 6).Draw(t, "parts"), "")
		want := frames([]string{stream}, MaxMessage)
		var pieces []string
		for rest := stream; rest != ""; {
			n := min(rapid.IntRange(1, 80).Draw(t, "n"), len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		if got := frames(pieces, MaxMessage); got != want {
			t.Fatalf("in one: %q\nin %q: %q", want, pieces, got)
		}
	})
}

// A message that comes byte by byte costs no more than a few looks at each byte.
func TestFramerLinear(t *testing.T) {
	var f Framer
	raw := []byte("A b SIP/2.0\r\n" + strings.Repeat("X: y\r\n", 1000) +
		"X: " + strings.Repeat("y", 5000))
	for n := range raw {
		if _, _, err := f.Next(raw[:n+1], MaxMessage); err != nil {
			t.Fatal(err)
		}
		if f.scanned < n {
			t.Fatalf("after %d bytes only %d are behind it", n+1, f.scanned)
		}
	}
}
