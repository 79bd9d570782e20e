package ctlsocket

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerOf asks the system who connected.
func peerOf(c *net.UnixConn) (p Peer, ok bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return p, false
	}
	var cred *unix.Ucred
	err = raw.Control(func(fd uintptr) {
		cred, _ = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil || cred == nil {
		return p, false
	}
	return Peer{int(cred.Uid), int(cred.Pid)}, true
}
