package identity

import "testing"

func TestMAC(t *testing.T) {
	const v = 0x00ab_cdef_0123_4567
	got := appendMAC(nil, v)
	if string(got) != "00abcdef01234567" {
		t.Fatalf("got %s", got)
	}
	if !isMAC(got, v) || isMAC(got[1:], v) || isMAC(got, v+1) || isMAC(nil, v) {
		t.Error("isMAC")
	}
	for _, n := range []uint64{0, 9, 10, 255, 1 << 63, 1<<64 - 1} {
		if back, ok := parseHex(appendHex(nil, n)); !ok || back != n {
			t.Errorf("%x: got %x", n, back)
		}
	}
	for _, s := range []string{"", "g", "1F", "12345678123456781"} {
		if _, ok := parseHex([]byte(s)); ok {
			t.Errorf("%q was read", s)
		}
	}
}
