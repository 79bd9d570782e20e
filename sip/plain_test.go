package sip

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// What nearly all messages look like is read by a short way of its own. checkPlain holds it
// against the long way, which reads everything.
func checkPlain(t *testing.T, raw []byte) {
	t.Helper()
	var short, long Message
	_ = short.Parse(raw)
	long.reset()
	long.raw = short.raw
	pos := int(short.start.size)
	for pos < len(long.raw) && blankLine(long.raw[pos:]) == 0 {
		pos = long.anyField(pos)
	}
	if got, want := indexOf(&short), indexOf(&long); got != want {
		t.Fatalf("fields of %q\n%s\nthe long way\n%s", raw, got, want)
	}
	for id := range ContentLength + 1 {
		if got, want := short.First(id), bytes.IndexByte(short.ids, byte(id)); got != want {
			t.Fatalf("the first %s of %q is at %d, want %d", id, raw, got, want)
		}
	}
	checkPlainLine(t, short.bytes(short.start))
	for i := range short.Len() {
		checkPlainVia(t, short.Value(i))
		checkPlainAddress(t, short.Value(i))
	}
}

func indexOf(m *Message) string { return fmt.Sprintf("%d %v %b", m.ids, m.fields, m.seen) }

func checkPlainLine(t *testing.T, raw []byte) {
	t.Helper()
	line := bytes.TrimRight(raw, "\r\n")
	short, long := Message{raw: line}, Message{raw: line}
	if !short.plainRequestLine(line) {
		return
	}
	long.parseRequestLine(line)
	read := func(m *Message) string {
		return fmt.Sprint(m.request, m.method, m.token, m.uri, m.ruri)
	}
	if got, want := read(&short), read(&long); got != want || long.failed {
		t.Fatalf("%q: %s, the long way %s, %v", line, got, want, long.err.Text)
	}
}

func checkPlainVia(t *testing.T, value []byte) {
	t.Helper()
	var short, long ViaValue
	n := short.plain(value)
	if n == 0 {
		return
	}
	if end := elementEnd(value, 0, Via); len(trimRight(value[:end])) != n {
		t.Fatalf("%q: an element of %d bytes, want %d", value, n, end)
	}
	err := long.parse(value[:n])
	if got, want := fmt.Sprintf("%#v", short), fmt.Sprintf("%#v", long); got != want || err != nil {
		t.Fatalf("%q: %s, the long way %s, %v", value, got, want, err)
	}
}

func checkPlainAddress(t *testing.T, value []byte) {
	t.Helper()
	var short, long NameAddr
	tag, ok := short.plain(value)
	if !ok {
		return
	}
	wantTag, err := long.general(value)
	got, want := fmt.Sprintf("%#v %q", short, tag), fmt.Sprintf("%#v %q", long, wantTag)
	if got != want || err != nil {
		t.Fatalf("%q: %s, the long way %s, %v", value, got, want, err)
	}
}

func TestPlain(t *testing.T) {
	for _, raw := range tortureFiles(t) {
		checkPlain(t, raw)
	}
	for _, k := range kinds {
		checkPlain(t, []byte(k.text))
		for i := range k.text { // near the end nothing is behind a field
			checkPlain(t, []byte(k.text[:i]))
		}
	}
}

// Messages with a few bytes changed: what makes a field plain or not is met in all places.
func TestPlainChanged(t *testing.T) {
	marks := []string{" ", "\t", "\r\n", "\n", "\r", "\x00", ":", ";", "<", ">", "\"", ",", "=", "@",
		"\\", "(", ")", "?", "[", "]", "::1", "Via: ", "v:", "\r\n ", "\r\n\r\n", "SIP/2.0", "sip:",
		"tel:+1", "tag", "=x", "branch", "rport", "received=", "Route: <sip:a;lr>\r\n", "\x7f", "\x80",
		"\xff", "\x01", "l: 3\r\n", ";tag=1", ";rport=5", "A-Very-Long-Header-Field-Name: 1\r\n",
		",,", " ;", "; ", " ="}
	random := rand.New(rand.NewPCG(1, 2))
	for range 5_000 {
		text := kinds[random.IntN(len(kinds))].text
		for range 1 + random.IntN(3) {
			at, mark := random.IntN(len(text)+1), marks[random.IntN(len(marks))]
			text = text[:at] + mark + text[min(len(text), at+random.IntN(4)):]
		}
		checkPlain(t, []byte(text))
	}
}

// The runs that go by eight bytes find what a loop finds, wherever it stands.
func TestRuns(t *testing.T) {
	for size := range 34 {
		for at := range size {
			for c := range 256 {
				b := bytes.Repeat([]byte("a"), size)
				b[at] = byte(c)
				from := max(0, at-17)
				want := from
				for want < size && b[want] >= ' ' {
					want++
				}
				if got := controlRun(b, from); got != want {
					t.Fatalf("control characters of %q from %d: %d, want %d", b, from, got, want)
				}
				for _, bit := range []uint16{isHost, isURI, isWord, isPlain, isText, isVisible} {
					if got, want := longRun(b, from, bit), run(b, from, bit); got != want {
						t.Fatalf("class %d of %q from %d: %d, want %d", bit, b, from, got, want)
					}
				}
			}
		}
	}
}
