package proxyheader

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

const (
	longestLine = 107     // bytes of version 1, with CRLF
	mostAfter   = 4 << 10 // bytes behind the fixed part of version 2: addresses and what is skipped
	fixed       = 16      // bytes that every version 2 has
	leastOfBoth = 12      // bytes by which the versions are told apart; neither is shorter
)

var signature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// errHeader is of what is no PROXY header.
var errHeader = errors.New("no PROXY header")

// read takes a header off r, and not a byte more. client is where the proxied connection comes
// from; the zero value: the proxy speaks for itself, or does not say for whom.
func read(r io.Reader) (client netip.AddrPort, err error) {
	b := make([]byte, leastOfBoth, longestLine)
	if _, err := io.ReadFull(r, b); err != nil {
		return client, err
	}
	switch {
	case bytes.Equal(b, signature):
		return version2(r)
	case bytes.HasPrefix(b, []byte("PROXY ")):
		return version1(r, b)
	}
	return client, errHeader
}

// version1 reads on until the end of the line, of which b has the beginning.
func version1(r io.Reader, b []byte) (client netip.AddrPort, err error) {
	for !bytes.HasSuffix(b, []byte("\r\n")) {
		// At least so much must come until the line can have ended.
		more := 2
		if b[len(b)-1] == '\r' {
			more = 1
		}
		if len(b)+more > longestLine {
			return client, errHeader
		}
		n := len(b)
		b = b[:n+more]
		if _, err := io.ReadFull(r, b[n:]); err != nil {
			return client, err
		}
		if i := bytes.IndexByte(b, '\n'); i >= 0 && (i != len(b)-1 || b[i-1] != '\r') {
			return client, errHeader // a bare LF
		}
	}
	f := strings.Split(string(b[:len(b)-2]), " ")
	if f[1] == "UNKNOWN" {
		return client, nil
	}
	if len(f) != 6 || f[1] != "TCP4" && f[1] != "TCP6" {
		return client, errHeader
	}
	var ends [2]netip.AddrPort // source, destination
	for i := range ends {
		addr, err := netip.ParseAddr(f[2+i])
		port, wrong := strconv.ParseUint(f[4+i], 10, 16)
		if err != nil || wrong != nil || addr.Is4() != (f[1] == "TCP4") || addr.Zone() != "" {
			return client, errHeader
		}
		ends[i] = netip.AddrPortFrom(addr.Unmap(), uint16(port))
	}
	return ends[0], nil
}

// Commands and families of version 2.
const (
	local = 0x20
	proxy = 0x21
	tcp4  = 0x11
	tcp6  = 0x21
)

// version2 reads what follows the signature.
func version2(r io.Reader) (client netip.AddrPort, err error) {
	var head [fixed - leastOfBoth]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return client, err
	}
	after := int(binary.BigEndian.Uint16(head[2:]))
	if after > mostAfter {
		return client, fmt.Errorf("%w: %d bytes", errHeader, after)
	}
	b := make([]byte, after)
	if _, err := io.ReadFull(r, b); err != nil {
		return client, err
	}
	switch command, family := head[0], head[1]; {
	case command == local, command == proxy && family == 0:
		return client, nil
	case command == proxy && family == tcp4 && after >= 12:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b)), binary.BigEndian.Uint16(b[8:])), nil
	case command == proxy && family == tcp6 && after >= 36:
		addr := netip.AddrFrom16([16]byte(b)).Unmap()
		return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(b[32:])), nil
	}
	return client, errHeader
}
