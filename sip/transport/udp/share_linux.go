package udp

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// spreads: the kernel spreads datagrams over the sockets of one address.
const spreads = true

// share lets other sockets be bound to the same address.
func share(raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	if err != nil {
		return err
	}
	return failed
}
