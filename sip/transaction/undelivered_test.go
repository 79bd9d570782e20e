package transaction

import (
	"strings"
	"testing"
)

// TestBranchIn reads the branch from the beginning of a request, however much of it is there.
func TestBranchIn(t *testing.T) {
	const request = "INVITE sip:bob@10.0.0.2 SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKabc\r\nMax-Forwards: 70\r\n\r\n"
	end := strings.Index(request, "Max-Forwards")
	for n := range len(request) + 1 {
		want := ""
		if n >= end {
			want = "z9hG4bKabc"
		}
		if got := string(branchIn([]byte(request[:n]))); got != want {
			t.Errorf("%q: want %q, got %q", request[:n], want, got)
		}
	}
	for _, b := range []string{
		"", "\r\n\r\n", "SIP/2.0 200 OK\r\nFrom: x;branch=z9hG4bKabc\r\n",
		"INVITE x SIP/2.0\r\nVia: nonsense\r\n",
	} {
		if got := branchIn([]byte(b)); got != nil {
			t.Errorf("%q: want none, got %q", b, got)
		}
	}
}
