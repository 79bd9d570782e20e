package recording

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/gopacket/gopacket/layers"
)

// whatever is read, reading ends without a panic, and what it gives is in
// order: places within the recording, messages of a length that is read.
func whatever(t *testing.T, b []byte) {
	r, err := newRecording("fuzz", bytes.NewReader(b))
	if err != nil {
		return
	}
	seen := 0
	for m, err := range r.Messages() {
		if err != nil {
			continue
		}
		seen += len(m.Bytes)
		switch {
		case m.At.N < 1 || m.At.N > len(b)+1:
			t.Errorf("a message at %s of %d bytes", m.At, len(b))
		case len(m.Bytes) > MaxMessage:
			t.Errorf("%s: a message of %d bytes", m.At, len(m.Bytes))
		case r.Format == "messages" && seen > len(b):
			t.Errorf("%d bytes of messages in %d", seen, len(b))
		case r.Format == "messages" && !bytes.Contains(b, m.Bytes):
			t.Errorf("%s: %q stands nowhere", m.At, m.Bytes)
		}
	}
}

func FuzzPcap(f *testing.F) {
	for _, link := range []layers.LinkType{
		layers.LinkTypeEthernet, layers.LinkTypeRaw, layers.LinkTypeLinuxSLL2,
	} {
		w := newPcap(f, link)
		w.udp(alice6, edge6, options(2))
		w.tcp(alice4, edge4, "S", 9, "")
		w.tcp(alice4, edge4, "A", 40, options(9)[30:])
		w.tcp(alice4, edge4, "A", 10, options(9)[:30])
		f.Add(w.b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if isPcap(b) {
			whatever(t, b)
		}
	})
}

func FuzzPcapng(f *testing.F) {
	w := newPcapng(f, layers.LinkTypeRaw)
	w.udp(alice4, edge4, options(2))
	w.tcp(alice6, edge6, "A", 10, options(9))
	f.Add(w.b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if isPcapng(b) {
			whatever(t, b)
		}
	})
}

// FuzzSegments is TCP alone: what connections do with segments of any kind.
func FuzzSegments(f *testing.F) {
	f.Add([]byte("\x00S\x09\x00\x00\x0aOPTIONS sip:a SIP/2.0\r\n\x01\x00\x20\x05l: 0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newPcap(t, layers.LinkTypeRaw)
		flags := []string{"A", "SA", "FA", "R", "S", "A", "A", "A"}
		for len(b) > 3 {
			from, to, kind, seq := alice4, edge4, flags[b[0]>>1&7], uint32(b[1])
			if b[0]&1 != 0 {
				from, to = to, from
			}
			n := min(int(b[2]), len(b)-3)
			w.tcp(from, to, kind, seq, string(b[3:3+n]))
			b = b[3+n:]
		}
		whatever(t, w.b.Bytes())
	})
}

func FuzzSIPp(f *testing.F) {
	for _, name := range []string{"sipp_uac.log", "sipp_uas_tcp.log"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if isSIPp(b) {
			whatever(t, b)
		}
	})
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte(options(2) + "---\n" + options(0) + "OPTIONS sip:edge SIP/2.0\n\nbody\n"))
	f.Fuzz(whatever)
}
