package nexthop

import (
	"net/netip"
	"testing"
)

func TestGuard(t *testing.T) {
	g := Guard{
		Deny:  []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")},
		Allow: []netip.Prefix{netip.MustParsePrefix("169.254.7.0/24")},
	}
	const far, here = "192.0.2.1", "127.0.0.1"
	tests := []struct {
		addr, src string
		want      bool
	}{
		{"192.0.2.7", far, true},
		{"2001:db8::1", far, true},
		{"10.2.0.1", far, true},
		{"fd00::1", far, true},
		{"127.0.0.1", far, false},
		{"127.0.0.1", here, true},
		{"127.0.0.1", "::1", true},
		{"127.255.0.9", far, false},
		{"::1", far, false},
		{"::1", here, true},
		{"::ffff:127.0.0.1", far, false},
		{"169.254.169.254", far, false},
		{"169.254.169.254", here, false},
		{"169.254.7.1", far, true},
		{"fe80::1", far, false},
		{"fe80::1%eth0", far, false},
		{"224.0.1.75", far, false},
		{"ff02::1", far, false},
		{"0.0.0.0", far, false},
		{"::", far, false},
		{"255.255.255.255", far, false},
		{"10.1.2.3", far, false},
		{"10.1.2.3", here, false},
		{"::ffff:10.1.2.3", far, false},
	}
	for _, tt := range tests {
		got := g.Allows(netip.MustParseAddr(tt.addr), netip.MustParseAddr(tt.src))
		if got != tt.want {
			t.Errorf("%s for %s: want %v, got %v", tt.addr, tt.src, tt.want, got)
		}
	}
}
