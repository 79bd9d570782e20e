//go:build !linux

package sctp

import (
	"context"
	"net"
	"net/netip"
)

func listen(netip.AddrPort, uint8) (net.Listener, error) { return nil, ErrNoSCTP }

func dial(context.Context, netip.Addr, uint8, netip.AddrPort) (net.Conn, error) {
	return nil, ErrNoSCTP
}
