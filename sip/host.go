package sip

import (
	"bytes"
	"net/netip"
)

// ParseAddr reads an IPv4 or IPv6 address, the latter with or without the
// brackets of an IPv6 reference, without a zone. It allocates nothing.
func ParseAddr(b []byte) (netip.Addr, bool) {
	b = unbracket(b)
	if bytes.IndexByte(b, ':') >= 0 {
		a, ok := parse6(b)
		return netip.AddrFrom16(a), ok
	}
	a, ok := parse4(b)
	if !ok {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4(a), true
}

// EqualHost compares two hosts: addresses as addresses (an IPv4-mapped IPv6
// address is the IPv4 address), names without regard to case or a last dot.
func EqualHost(a, b []byte) bool {
	if x, ok := ParseAddr(a); ok {
		y, ok := ParseAddr(b)
		return ok && x.Unmap() == y.Unmap()
	}
	return equalFold(bytes.TrimSuffix(a, dot), bytes.TrimSuffix(b, dot))
}

var dot = []byte(".")

// IsPrivate reports whether an address is not reached from outside of its network: RFC 1918, 6598,
// 4193, 3927, 4291 §2.5.6 and loopback.
func IsPrivate(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || shared.Contains(a)
}

// shared is the address space between carriers and their subscribers, RFC 6598.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// unbracket drops the brackets of an IPv6 reference.
func unbracket(b []byte) []byte {
	if n := len(b); n >= 2 && b[0] == '[' && b[n-1] == ']' {
		return b[1 : n-1]
	}
	return b
}

func parse4(b []byte) (a [4]byte, ok bool) {
	for i := range a {
		n := run(b, 0, isDigit)
		if n == 0 || n > 3 || n > 1 && b[0] == '0' {
			return a, false
		}
		v, ok := number(b[:n], 255)
		if !ok {
			return a, false
		}
		a[i] = byte(v)
		b = b[n:]
		if i == len(a)-1 {
			break
		}
		if len(b) == 0 || b[0] != '.' {
			return a, false
		}
		b = b[1:]
	}
	return a, len(b) == 0
}

// parse6 reads the text form of RFC 4291 §2.2. The third colon that the
// grammar of RFC 3261 puts between "::" and an IPv4 address is tolerated, as
// RFC 5118 §4.10 demands.
func parse6(b []byte) (a [16]byte, ok bool) {
	n, gap := 0, -1 // bytes read, where "::" stood
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, b = 0, thirdColon(b[2:])
	}
	for n < len(a) && len(b) > 0 {
		d := run(b, 0, isHex)
		if d < len(b) && b[d] == '.' { // an IPv4 address in the end
			v4, ok := parse4(b)
			if !ok || n > len(a)-len(v4) {
				return a, false
			}
			copy(a[n:], v4[:])
			n, b = n+len(v4), nil
			break
		}
		if d == 0 || d > 4 {
			return a, false
		}
		v := 0
		for _, c := range b[:d] {
			v = v<<4 | hexValue(c)
		}
		a[n], a[n+1] = byte(v>>8), byte(v)
		n, b = n+2, b[d:]
		if len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return a, false
		}
		if b = b[1:]; b[0] == ':' {
			if gap >= 0 {
				return a, false
			}
			gap, b = n, thirdColon(b[1:])
		}
	}
	if len(b) > 0 || (n < len(a)) != (gap >= 0) {
		return a, false
	}
	if gap >= 0 {
		copy(a[len(a)-(n-gap):], a[gap:n])
		clear(a[gap : len(a)-(n-gap)])
	}
	return a, true
}

// thirdColon drops the colon at the front of b if a dotted address is all that follows.
func thirdColon(b []byte) []byte {
	if len(b) > 0 && b[0] == ':' {
		if _, ok := parse4(b[1:]); ok {
			return b[1:]
		}
	}
	return b
}

func hexValue(c byte) int {
	switch {
	case c >= 'a':
		return int(c-'a') + 10
	case c >= 'A':
		return int(c-'A') + 10
	}
	return int(c - '0')
}

// hostPort reads a host with its port from the front of b, which begins with
// n bytes of the class isHost. Bytes of the class lws may stand around the
// colon, as in a Via. rest is what is behind. ok false: no host, a malformed
// IPv6 reference or port.
func hostPort(b []byte, n int, lws uint16) (host []byte, port uint16, rest []byte, ok bool) {
	switch {
	case n > 0:
		host, rest = b[:n], b[n:]
	case len(b) > 0 && b[0] == '[':
		if n = bytes.IndexByte(b, ']'); n < 0 {
			return nil, 0, b, false
		}
		host, rest = b[1:n], b[n+1:]
		if _, ok := parse6(host); !ok {
			return nil, 0, b, false
		}
	default:
		return nil, 0, b, false
	}
	i := run(rest, 0, lws)
	if i == len(rest) || rest[i] != ':' {
		return host, 0, rest, true
	}
	p, end := digits(rest, run(rest, i+1, lws))
	if p == 0 || p > 65535 {
		return host, 0, rest[end:], false
	}
	return host, uint16(p), rest[end:], true
}
