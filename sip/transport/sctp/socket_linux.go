package sctp

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sipedge/sip/transport/dscp"
)

// Options of SCTP sockets, RFC 6458 §8.1.5 and §8.1.31, as linux/sctp.h numbers them.
const (
	noDelay        = 3
	defaultSndInfo = 34
	unordered      = 1 // of sinfo_flags
)

const backlog = 4096 // associations that wait to be accepted; the system may keep it lower

// socket opens one of a family, bound to addr. What it sends is unordered and on stream 0, since
// order is of no use to transactions and one that waits would hold all others up, RFC 4168 §5.1.
func socket(addr netip.AddrPort, mark uint8) (fd int, err error) {
	family := unix.AF_INET
	if addr.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK,
		unix.IPPROTO_SCTP)
	switch {
	case errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.ESOCKTNOSUPPORT):
		return -1, ErrNoSCTP
	case err != nil:
		return -1, os.NewSyscallError("socket", err)
	}
	if err := prepare(fd, addr, mark); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func prepare(fd int, addr netip.AddrPort, mark uint8) error {
	var info [16]byte // struct sctp_sndinfo: stream, flags, protocol, context, association
	binary.NativeEndian.PutUint16(info[2:], unordered)
	err := unix.SetsockoptString(fd, unix.IPPROTO_SCTP, defaultSndInfo, string(info[:]))
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_SCTP, noDelay, 1)
	}
	if err == nil && addr.Addr().Is6() {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := dscp.Set(uintptr(fd), addr.Addr().Is6(), mark); err != nil {
		return err
	}
	sa, err := sockaddr(addr)
	if err != nil {
		return err
	}
	return os.NewSyscallError("bind", unix.Bind(fd, sa))
}

func sockaddr(a netip.AddrPort) (unix.Sockaddr, error) {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}, nil
	}
	sa := &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	if zone := a.Addr().Zone(); zone != "" {
		i, err := net.InterfaceByName(zone)
		if err != nil {
			return nil, err
		}
		sa.ZoneId = uint32(i.Index)
	}
	return sa, nil
}

// listen opens a listener. Package net takes a one-to-one socket for what it looks like, a TCP
// socket, and gives it its poller and deadlines.
func listen(addr netip.AddrPort, mark uint8) (net.Listener, error) {
	fd, err := socket(addr, mark)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "sctp")
	defer f.Close() // the listener has a duplicate
	if err := unix.Listen(fd, backlog); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	return listener{l, addr.Addr().Is6(), mark}, nil
}

type listener struct {
	net.Listener
	ipv6 bool
	mark uint8
}

// Accept implements net.Listener. Of IPv4, what is accepted is not marked as the listener is.
func (l listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c, err := newConn(nc)
	if err != nil {
		return nil, err
	}
	var unmarked error
	err = c.raw.Control(func(fd uintptr) { unmarked = dscp.Set(fd, l.ipv6, l.mark) })
	if err = errors.Join(err, unmarked); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// dial connects from an address to remote.
func dial(
	ctx context.Context, from netip.Addr, mark uint8, remote netip.AddrPort,
) (net.Conn, error) {
	fd, err := socket(netip.AddrPortFrom(from, 0), mark)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "sctp")
	defer f.Close() // the connection has a duplicate
	sa, err := sockaddr(remote)
	if err != nil {
		return nil, err
	}
	if err := connect(ctx, f, sa); err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	nc, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	c, err := newConn(nc)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// connect waits until f is connected, or ctx ends.
func connect(ctx context.Context, f *os.File, to unix.Sockaddr) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = f.SetWriteDeadline(time.Unix(1, 0)) })()
	begun := false
	var failed error
	err = raw.Write(func(fd uintptr) (done bool) {
		if !begun {
			begun = true
			failed = unix.Connect(int(fd), to)
			return !errors.Is(failed, unix.EINPROGRESS)
		}
		errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		switch {
		case err != nil:
			failed = err
		case errno != 0:
			failed = syscall.Errno(errno)
		default:
			if _, failed = unix.Getpeername(int(fd)); errors.Is(failed, unix.ENOTCONN) {
				return false
			}
		}
		return true
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(err, failed)
}

// conn is a connected socket. A Write is a message.
type conn struct {
	*net.TCPConn // by its looks
	raw          syscall.RawConn
}

func newConn(nc net.Conn) (c conn, err error) {
	c.TCPConn = nc.(*net.TCPConn)
	if c.raw, err = c.SyscallConn(); err != nil {
		_ = nc.Close()
	}
	return c, err
}

// ReadPart implements stream.Parts.
func (c conn) ReadPart(b []byte) (n int, end bool, err error) {
	var failed error
	err = c.raw.Read(func(fd uintptr) (done bool) {
		var flags int
		n, _, flags, _, failed = unix.Recvmsg(int(fd), b, nil, 0)
		end = flags&unix.MSG_EOR != 0
		return !errors.Is(failed, unix.EAGAIN)
	})
	if err != nil {
		return 0, false, err
	}
	if failed != nil {
		return 0, false, os.NewSyscallError("recvmsg", failed)
	}
	if n == 0 {
		return 0, false, io.EOF
	}
	return n, end, nil
}
