//go:build unix

package stream

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// direct is how a connection is written without waiting; nil: it can't be.
func direct(nc net.Conn) syscall.RawConn {
	t, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// writeNow writes as much as finds room in the socket's buffer, which may be nothing.
func writeNow(fd uintptr, b []byte) (n int, err error) {
	for {
		n, err = unix.Write(int(fd), b)
		switch err {
		case nil:
			return n, nil
		case unix.EAGAIN:
			return 0, nil
		case unix.EINTR:
			continue
		}
		return 0, os.NewSyscallError("write", err)
	}
}
