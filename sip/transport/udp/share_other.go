//go:build !linux

package udp

import "syscall"

// spreads: elsewhere the system does not spread datagrams over several sockets.
const spreads = false

func share(syscall.RawConn) error { return nil }
