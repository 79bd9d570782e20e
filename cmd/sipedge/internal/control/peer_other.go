//go:build !linux

package control

import "net"

// peerOf does not know.
func peerOf(*net.UnixConn) (p peer, ok bool) { return p, false }
