//go:build unix

package dscp

import (
	"os"
	"syscall"
)

// Set marks what leaves by socket fd, of IPv6 or else IPv4.
func Set(fd uintptr, ipv6 bool, codePoint uint8) error {
	if codePoint == 0 {
		return nil
	}
	level, name := syscall.IPPROTO_IP, syscall.IP_TOS
	if ipv6 {
		level, name = syscall.IPPROTO_IPV6, syscall.IPV6_TCLASS
	}
	// The two bits below are of congestion control, RFC 3168.
	err := syscall.SetsockoptInt(int(fd), level, name, int(codePoint)<<2)
	return os.NewSyscallError("setsockopt", err)
}
