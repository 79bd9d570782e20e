//go:build !linux

package udp

import (
	"net"
	"net/netip"
)

// bind opens one socket: elsewhere the system does not spread datagrams over several.
func bind(addr netip.AddrPort, _ int) ([]Conn, netip.AddrPort, error) {
	c, err := open(&net.ListenConfig{}, addr)
	if err != nil {
		return nil, addr, err
	}
	return []Conn{newNetConn(c)}, bound(c, addr), nil
}
