package tcp

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// endAfter has the system end a connection on which nothing is acknowledged for so long, RFC 5482
// §3.
func endAfter(fd uintptr, unacknowledged time.Duration) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP,
		unix.TCP_USER_TIMEOUT, int(unacknowledged.Milliseconds())))
}
