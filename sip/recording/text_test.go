package recording

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sipedge/sip"
)

// read is a recording whole; no part of it may be a fault.
func read(t *testing.T, path string) (messages []*Message) {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for m, err := range r.Messages() {
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		messages = append(messages, m)
	}
	return messages
}

// Logs of real runs: sipp -sn uac -trace_msg against sipp -sn uas, by UDP, and
// the other side of it by TCP.
func TestSIPpLogs(t *testing.T) {
	for _, c := range []struct {
		file      string
		transport sip.Transport
		requests  Course
	}{
		{"sipp_uac.log", sip.UDP, Sent}, {"sipp_uas_tcp.log", sip.TCP, Received},
	} {
		list := read(t, filepath.Join("testdata", c.file))
		var got []string
		for i, m := range list {
			var p sip.Message
			if err := p.Parse(m.Bytes); err != nil {
				t.Errorf("%s: %s: %v", c.file, m.At, err)
			}
			start, _, _ := strings.Cut(string(m.Bytes), " ")
			got = append(got, start)
			if m.Transport != c.transport || (m.Course == c.requests) != p.IsRequest() {
				t.Errorf("%s: %s: %s, course %d", c.file, m.At, m.Transport, m.Course)
			}
			if m.Time.Year() < 2026 || i > 0 && m.Time.Before(list[i-1].Time) {
				t.Errorf("%s: %s: at %s", c.file, m.At, m.Time)
			}
		}
		want := []string{"INVITE", "SIP/2.0", "SIP/2.0", "ACK", "BYE", "SIP/2.0"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", c.file, d)
		}
	}
}

func TestSIPpTimes(t *testing.T) {
	want := time.Date(2026, 2, 28, 18, 30, 0, 123456000, time.Local)
	for _, s := range []string{
		"2026-02-28 18:30:00.123456", "2026-02-28\t18:30:00.123456\t1772303400",
	} {
		if got := sippTime(s); !got.Equal(want) {
			t.Errorf("%q is %s", s, got)
		}
	}
	if got := sippTime("long ago"); !got.IsZero() {
		t.Errorf("a time %s", got)
	}
}

// Blocks that are no messages, that lie about their length, that are cut short.
func TestSIPpFaults(t *testing.T) {
	rule := strings.Repeat("-", 47)
	block := func(title, text string) string {
		return rule + " 2026-02-28 18:30:00.123456\n" + title + "\n\n" + text + "\n"
	}
	a := options(3)
	good := block("UDP message sent (62 bytes):", a)
	wantTold(t, []byte(good+
		rule+"\nUnexpected UDP message received:\n\n"+a+"\n"+
		block("Error sending UDP message:", a)+
		block("TLS message received [9999999] bytes :", a)+
		block("UDP message received [10] bytes :", a)+
		good+block("UDP message received [100] bytes :", a)),
		"line 2: OPTIONS sip:edge SIP/2.0, 62 bytes",
		"line 20: Error sending UDP message",
		"line 29: a message of 9999999 bytes",
		"line 38: a message that is not of 10 bytes",
		"line 47: OPTIONS sip:edge SIP/2.0, 62 bytes",
		"line 56: cut short: 63 of 100 bytes of a message")
}

// Files of messages: with and without lengths, with lines between them.
func TestMessages(t *testing.T) {
	a, start := options(2), "OPTIONS sip:edge SIP/2.0"
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"one":               {a, []string{"line 1: " + start + ", 61 bytes"}},
		"line ends before":  {"\r\n\r\n" + a, []string{"line 3: " + start + ", 61 bytes"}},
		"the header alone":  {start, []string{"line 1: " + start + ", 24 bytes"}},
		"shorter than told": {a[:60], []string{"line 1: " + start + ", 60 bytes"}},
		"by their lengths": {a + a,
			[]string{"line 1: " + start + ", 61 bytes", "line 6: " + start + ", 61 bytes"}},
		"a length in a body": {start + "\r\n\r\nl: 7\r\n", []string{"line 1: " + start + ", 34 bytes"}},
		"dashes between": {a + "---\n\n------ \r\n" + a,
			[]string{"line 1: " + start + ", 61 bytes", "line 9: " + start + ", 61 bytes"}},
		"words between": {"# a comment\n" + a + "and\nmore\n\n" + a + "end",
			[]string{"line 1: 12 bytes are no message", "line 2: " + start + ", 61 bytes",
				"line 7: 9 bytes are no message", "line 10: " + start + ", 61 bytes",
				"line 15: 3 bytes are no message"}},
		"without lengths": {
			start + "\nA: b\n\n\n" + start + "\r\nA: b\r\n\r\nbody\r\n---\n" + start + "\n\n",
			[]string{"line 1: " + start + ", 31 bytes", "line 5: " + start + ", 40 bytes",
				"line 10: " + start + ", 26 bytes"}},
		"a wrong length": {start + "\r\nl: x\r\n\r\nbody\r\n" + a,
			[]string{"line 1: Malformed Content-Length", "line 5: " + start + ", 61 bytes"}},
		"nothing": {"", []string{"line 1: no SIP message in it"}},
		"a text":  {"# Notes\n\nWe spoke of OPTIONS.\n", []string{"line 1: no SIP message in it"}},
	} {
		t.Run(name, func(t *testing.T) { wantTold(t, []byte(c.in), c.want...) })
	}
}

// However a stream is cut, the same comes of it.
func TestSplitAnywhere(t *testing.T) {
	in := []byte("junk\n" + options(2) + "\r\n" + options(40) +
		"OPTIONS sip:edge SIP/2.0\r\n\r\nx\n---\n" + options(0) + "more junk\r\n" + options(2))
	split := func(step int) (got []string) {
		s := splitter{
			lenient: true,
			message: func(m mark, b []byte) { got = append(got, m.at.String()+" "+string(b)) },
			fault:   func(m mark, err error) { got = append(got, m.at.String()+" "+err.Error()) },
		}
		for from := 0; from < len(in); from += step {
			s.feed(in[from:min(from+step, len(in))], func(i int) mark {
				return mark{at: Place{"byte", from + i}}
			})
		}
		s.end()
		return got
	}
	want := split(len(in))
	if len(want) != 7 {
		t.Fatalf("%d parts: %q", len(want), want)
	}
	for step := 1; step < len(in); step++ {
		if d := cmp.Diff(want, split(step)); d != "" {
			t.Fatalf("in pieces of %d: -want +got\n%s", step, d)
		}
	}
}

// What is too long is a fault, and costs no more memory than the longest message.
func TestLongest(t *testing.T) {
	a := options(2)
	endless := "OPTIONS sip:edge SIP/2.0\n\n" + strings.Repeat("x", 76) + "\n"
	endless += strings.Repeat(strings.Repeat("y", 99)+"\n", MaxMessage/100+1)
	lines := strings.Count(endless, "\n")
	got, _ := told(t, []byte(endless+a))
	want := []string{"line 1: no end of the message in sight",
		Place{"line", lines + 1}.String() + ": OPTIONS sip:edge SIP/2.0, 61 bytes"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	oneLine := append(bytes.Repeat([]byte("z"), 3*MaxMessage), "\n"+a...)
	wantTold(t, oneLine, "line 1: 3145729 bytes are no message",
		"line 2: OPTIONS sip:edge SIP/2.0, 61 bytes")
}

// Folders are all their files, but for hidden ones; links are what they lead to.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"b.log", "a/x.pcap", ".hidden", ".git/y", "c"} {
		path := filepath.Join(dir, f)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{"a/link": "b.log", "linked": "a"} {
		if err := os.Symlink(filepath.Join(dir, to), filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Files([]string{filepath.Join(dir, "c"), dir, filepath.Join(dir, "linked")})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i], _ = filepath.Rel(dir, got[i])
	}
	if d := cmp.Diff([]string{
		"c", "a/link", "a/x.pcap", "b.log", "c", "linked/link", "linked/x.pcap",
	}, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	for _, path := range []string{filepath.Join(dir, "none"), os.DevNull} {
		if _, err := Files([]string{path}); err == nil {
			t.Errorf("%s is a recording", path)
		}
	}
}
