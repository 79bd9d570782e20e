package udp

import (
	"encoding/binary"
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// What ICMP says of datagrams that could not be delivered, the kernel keeps in the socket's
// error queue, each with the beginning of the datagram. It comes with an error of the next
// system call on the socket, whatever that was for.

// extendedErrSize is that of struct sock_extended_err, linux/errqueue.h.
const extendedErrSize = 16

// reportErrors asks for the error queue.
func reportErrors(c *net.UDPConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	level, option := unix.IPPROTO_IP, unix.IP_RECVERR
	if network(c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()) == "udp6" {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	// Without it such requests end by their timers.
	_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), level, option, 1) })
}

// isReport reports whether the error of a system call is ICMP's, about a datagram sent before.
func isReport(err error) bool {
	errno, _ := errors.AsType[syscall.Errno](err)
	switch errno {
	case unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.EPROTO:
		return true
	}
	return false
}

// drainErrors hands f the datagrams of the error queue.
func drainErrors(c *net.UDPConn, f func(b []byte, err error)) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	buf, oob := make([]byte, 2048), make([]byte, 512)
	for {
		var size, oobSize int
		var failed error
		err := raw.Control(func(fd uintptr) {
			size, oobSize, _, _, failed = unix.Recvmsg(int(fd), buf, oob,
				unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		})
		if err != nil || failed != nil {
			return
		}
		if reason := reasonOf(oob[:oobSize]); reason != nil {
			f(buf[:size], reason)
		}
	}
}

// reasonOf reads what ICMP said: nil when it does not mean that the datagram is lost.
func reasonOf(oob []byte) error {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		v4 := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_RECVERR
		v6 := m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR
		if !v4 && !v6 || len(m.Data) < extendedErrSize {
			continue
		}
		// struct sock_extended_err: the error number, then who says so.
		errno := syscall.Errno(binary.NativeEndian.Uint32(m.Data))
		byICMP := m.Data[4] == unix.SO_EE_ORIGIN_ICMP || m.Data[4] == unix.SO_EE_ORIGIN_ICMP6
		if byICMP && isReport(errno) {
			return errno
		}
	}
	return nil
}
