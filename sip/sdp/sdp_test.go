package sdp

import (
	"net/netip"
	"strings"
	"testing"
)

const offer = "v=0\r\no=- 1 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n" +
	"m=audio 5000/2 RTP/AVP 8 96 3 99 250\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:3 GSM-EFR/8000\r\n" +
	"m=video 0 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n" +
	"m=text 5002 RTP/AVP 97\r\nm=audio 5004 RTP/AVP 0\r\na=sendonly\r\n" +
	"m=image 6000 udptl t38\r\nc=IN IP6 fd00::1\r\n"

func TestMedia(t *testing.T) {
	var got []string
	for rest := []byte(offer); ; {
		m, more, ok := Next(rest)
		if !ok {
			break
		}
		rest = more
		text := string(m.Kind)
		if m.Refused() {
			text += " refused"
		}
		m.Codec(func(name []byte) bool { text += " " + string(name); return false })
		got = append(got, text)
	}
	const want = "audio PCMA opus GSM-EFR|video refused H264|text|audio PCMU|image t38"
	if text := strings.Join(got, "|"); text != want {
		t.Errorf("want %s, got %s", want, text)
	}
	for _, none := range []string{"", "v=0", "v=0\r\n", "am=audio 1 x 0"} {
		if _, _, ok := Next([]byte(none)); ok {
			t.Errorf("%q has media", none)
		}
	}
}

func TestHasPrivate(t *testing.T) {
	for line, want := range map[string]bool{
		"c=IN IP4 10.0.0.1": true, "c=IN IP4 203.0.113.1": false, "c=IN IP6 fe80::1\r": true,
		"c=IN IP4 100.64.0.1/127": true, "c=IN IP4 0.0.0.0": false, "c=IN IP4 host.test": false,
		"o=- 1 1 IN IP4 10.0.0.1": false, "c=IN IP6 2001:db8::1": false, "c=IN IP4 127.0.0.1": true,
	} {
		if got := HasPrivate([]byte("v=0\r\n" + line + "\n")); got != want {
			t.Errorf("%q: want %v, got %v", line, want, got)
		}
	}
}

func TestFind(t *testing.T) {
	part := func(header, body string) string { return "--x\r\n" + header + "\r\n\r\n" + body + "\r\n" }
	mixed := "preamble\r\n" + part("Content-Type: text/plain", "no --x here") +
		part("a: b\r\nCONTENT-TYPE: application/sdp; c=d", "v=0") + "--x--"
	for _, tt := range []struct{ kind, body, want string }{
		{"application/sdp", "v=0", "v=0"},
		{" Application/SDP ;a=b", "v=0", "v=0"},
		{"text/plain", "v=0", ""},
		{"", "v=0", ""},
		{"multipart/mixed;boundary=x", mixed, "v=0"},
		{`Multipart/Related; a=b ; Boundary="x"`, mixed, "v=0"},
		{"multipart/mixed", mixed, ""},
		{"multipart/mixed;boundary=y", mixed, ""},
		{"multipart/mixed;boundary=x", strings.TrimSuffix(mixed, "--x--"), ""},
	} {
		if got := string(Find([]byte(tt.kind), []byte(tt.body))); got != tt.want {
			t.Errorf("%s: want %q, got %q", tt.kind, tt.want, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("application/sdp", offer)
	f.Add("multipart/mixed;boundary=x",
		"--x\r\nContent-Type: application/sdp\r\n\r\n"+offer+"\r\n--x--")
	f.Fuzz(func(t *testing.T, kind, body string) {
		d := Find([]byte(kind), []byte(body))
		HasPrivate(d)
		for n := 0; ; n++ {
			m, rest, ok := Next(d)
			if !ok {
				return
			}
			if len(rest) >= len(d) || n > len(body) {
				t.Fatal("no progress")
			}
			m.Codec(func([]byte) bool { return false })
			d = rest
		}
	})
}

func TestReconnected(t *testing.T) {
	const before = "v=0\no=- 1 1 IN IP4 10.0.0.1\r\nc=IN IP4 10.0.0.1/127/2 \r\nm=a\n" +
		"c=IN IP6 fd00::1\nc=IN IP4 203.0.113.1\r\nc=IN IP4 x\r\nc=IN IP4 10.0.0.1"
	for addr, want := range map[string]string{
		"192.0.2.1": "v=0\no=- 1 1 IN IP4 10.0.0.1\r\nc=IN IP4 192.0.2.1/127/2 \r\nm=a\n" +
			"c=IN IP4 192.0.2.1\nc=IN IP4 203.0.113.1\r\nc=IN IP4 x\r\nc=IN IP4 192.0.2.1",
		"2001:db8::1": "v=0\no=- 1 1 IN IP4 10.0.0.1\r\nc=IN IP6 2001:db8::1/127/2 \r\nm=a\n" +
			"c=IN IP6 2001:db8::1\nc=IN IP4 203.0.113.1\r\nc=IN IP4 x\r\nc=IN IP6 2001:db8::1",
	} {
		got := string(AppendReconnected(nil, []byte(before), netip.MustParseAddr(addr)))
		if got != want {
			t.Errorf("%s: want %q\ngot %q", addr, want, got)
		}
	}
}
