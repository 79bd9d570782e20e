package dscp

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
)

// Max is the highest code point.
const Max = 63

// names are the code points that have one: RFC 2474, RFC 2597, RFC 3246, RFC 5865, RFC 8622.
var names = map[string]uint8{"le": 1, "va": 44, "ef": 46}

func init() {
	for class := range uint8(8) {
		names[fmt.Sprintf("cs%d", class)] = class << 3
	}
	for class := uint8(1); class <= 4; class++ {
		for drop := uint8(1); drop <= 3; drop++ {
			names[fmt.Sprintf("af%d%d", class, drop)] = class<<3 | drop<<1
		}
	}
}

// Parse reads a name such as cs3 or ef, or a number of 0 to 63.
func Parse(s string) (codePoint uint8, ok bool) {
	if c, ok := names[strings.ToLower(s)]; ok {
		return c, true
	}
	n, err := strconv.ParseUint(s, 10, 8)
	return uint8(n), err == nil && n <= Max
}

// Control marks a socket before it is bound or connected: the Control of a net.ListenConfig or
// net.Dialer; nil for code point 0. Connections that a listener accepts are marked as it is.
func Control(codePoint uint8) func(network, address string, c syscall.RawConn) error {
	if codePoint == 0 {
		return nil
	}
	return func(network, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = Set(fd, strings.HasSuffix(network, "6"), codePoint)
		})
		if err != nil {
			return err
		}
		return failed
	}
}
