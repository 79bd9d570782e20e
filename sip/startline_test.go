package sip

import (
	"strings"
	"testing"
)

func TestStartLine(t *testing.T) {
	long := "INVITE sip:" + strings.Repeat("a", 300) + "@example.net SIP/2.0"
	const bob = "INVITE sip:bob@example.net SIP/2.0"
	for raw, want := range map[string]string{
		"": "", "garbage": "garbage", "@": "@", " :@": " :@", "a :b:@": "a :b:***@",
		bob + "\r\nFrom: a":                                        bob,
		bob + "\nAuthorization: Digest response=x\r\n":             bob,
		bob + "\rProxy-Authorization: Digest response=x\r\n":       bob,
		"INVITE sip:bob:secret@h SIP/2.0\r\n":                      "INVITE sip:bob:***@h SIP/2.0",
		"INVITE sips:bob:sec:ret@h:5061 SIP/2.0\r\n":               "INVITE sips:bob:***@h:5061 SIP/2.0",
		"REGISTER sip:h:5060 SIP/2.0\r\n":                          "REGISTER sip:h:5060 SIP/2.0",
		"SIP/2.0 200 OK\r\nContact: <sip:a:b@c>":                   "SIP/2.0 200 OK",
		long + "\r\n":                                              long[:shownStart],
		"INVITE sip:a:" + strings.Repeat("s", 1000) + "@h SIP/2.0": "INVITE sip:a:***@h SIP/2.0",
	} {
		if got := StartLine([]byte(raw)); got != want {
			t.Errorf("%q: want %q, got %q", raw, want, got)
		}
	}
}
