//go:build !portable

package udp

import (
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"sipedge/sip/transport"
	"sipedge/sip/transport/dscp"
)

// openMany is an opener.
func openMany(l transport.Listener, s sharing) (Conn, netip.AddrPort, error) {
	addr := l.Addr
	family := unix.AF_INET
	if addr.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, addr, os.NewSyscallError("socket", err)
	}
	c := &manyConn{
		fd: fd, any: addr.Addr().IsUnspecified(),
		lost: make(chan struct{}, 1), end: make(chan struct{}),
	}
	if err := c.prepare(l, s); err != nil {
		unix.Close(fd)
		return nil, addr, err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		unix.Close(fd)
		return nil, addr, os.NewSyscallError("getsockname", err)
	}
	port := addr.Port()
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		port = uint16(name.Port)
	case *unix.SockaddrInet6:
		port = uint16(name.Port)
	}
	return c, netip.AddrPortFrom(addr.Addr(), port), nil
}

// option is one of setsockopt(2).
type option struct{ level, name, value int }

// prepare sets the options of the socket and binds it.
func (c *manyConn) prepare(l transport.Listener, s sharing) error {
	var options []option
	is6 := l.Addr.Addr().Is6()
	if is6 {
		options = append(options, option{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1})
	} else {
		// What is too large for a link on the way is cut there: else it would be thrown away, and
		// whoever sent it might never be told, RFC 3261 §18.1.1.
		options = append(options,
			option{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT})
	}
	others := option{unix.SOL_SOCKET, unix.SO_REUSEPORT, 1} // may be bound to the same address
	if s == joining {
		options = append(options, others)
	}
	switch {
	case c.any && is6:
		options = append(options, option{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1})
	case c.any:
		options = append(options, option{unix.IPPROTO_IP, unix.IP_PKTINFO, 1})
	}
	for _, o := range options {
		if err := c.set(o); err != nil {
			return err
		}
	}
	if err := c.timeout(unix.SO_RCVTIMEO, readWait); err != nil {
		return err
	}
	if err := c.timeout(unix.SO_SNDTIMEO, sendWait); err != nil {
		return err
	}
	// The system may give less; that is its administrator's choice.
	_ = unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer)
	_ = unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, socketBuffer)
	reportErrors(c.fd, is6)
	if err := dscp.Set(uintptr(c.fd), is6, l.DSCP); err != nil {
		return err
	}
	sa, err := c.sockaddr(l.Addr)
	if err != nil {
		return err
	}
	if err := unix.Bind(c.fd, sa); err != nil || s != first {
		return os.NewSyscallError("bind", err)
	}
	return c.set(others)
}

func (c *manyConn) set(o option) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(c.fd, o.level, o.name, o.value))
}

func (c *manyConn) timeout(option int, d time.Duration) error {
	tv := unix.NsecToTimeval(d.Nanoseconds())
	return os.NewSyscallError("setsockopt",
		unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, option, &tv))
}

func (c *manyConn) sockaddr(addr netip.AddrPort) (unix.Sockaddr, error) {
	a := addr.Addr()
	if a.Is4() {
		return &unix.SockaddrInet4{Port: int(addr.Port()), Addr: a.As4()}, nil
	}
	zone, err := c.zones.index(a.Zone())
	if err != nil {
		return nil, err
	}
	return &unix.SockaddrInet6{Port: int(addr.Port()), Addr: a.As16(), ZoneId: zone}, nil
}
