//go:build !unix

package dscp

import "errors"

// Set marks what leaves by socket fd, of IPv6 or else IPv4.
func Set(_ uintptr, _ bool, codePoint uint8) error {
	if codePoint == 0 {
		return nil
	}
	return errors.New("dscp: not on this system")
}
