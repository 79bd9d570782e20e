//go:build !linux

package ctlsocket

import "net"

// peerOf does not know.
func peerOf(*net.UnixConn) (p Peer, ok bool) { return p, false }
