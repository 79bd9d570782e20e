package udp

import (
	"encoding/binary"
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// What ICMP says of datagrams that could not be delivered, the kernel keeps in the socket's
// error queue, each with the beginning of the datagram. It comes with an error of the next
// system call on the socket, whatever that was for.

// extendedErrSize is that of struct sock_extended_err, linux/errqueue.h.
const extendedErrSize = 16

// reportErrors asks for the error queue.
func reportErrors(fd int, ipv6 bool) {
	level, option := unix.IPPROTO_IP, unix.IP_RECVERR
	if ipv6 {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	// Without it such requests end by their timers.
	_ = unix.SetsockoptInt(fd, level, option, 1)
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
func drainErrors(fd int, f func(b []byte, err error)) {
	buf, oob := make([]byte, 2048), make([]byte, 512)
	for {
		size, oobSize, _, _, err := unix.Recvmsg(fd, buf, oob,
			unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if err != nil {
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
