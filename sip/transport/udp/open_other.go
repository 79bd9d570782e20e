//go:build !linux

package udp

import "syscall"

// openBest is the portable one.
var openBest = openNet

// spreads: elsewhere the system does not spread datagrams over several sockets.
const spreads = false

func share(string, string, syscall.RawConn) error { return nil }
