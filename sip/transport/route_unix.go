//go:build unix

package transport

import (
	"net"
	"net/netip"
	"syscall"
)

// sourceOf asks the system: by plain calls, which cost less than half of a net.UDPConn.
func sourceOf(to netip.Addr) netip.Addr {
	family, peer := syscall.AF_INET6, syscall.Sockaddr(&syscall.SockaddrInet6{
		Port: discard, Addr: to.As16(), ZoneId: zoneOf(to),
	})
	if to.Is4() {
		family, peer = syscall.AF_INET, &syscall.SockaddrInet4{Port: discard, Addr: to.As4()}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return netip.Addr{}
	}
	syscall.CloseOnExec(fd)
	defer syscall.Close(fd)
	if err := syscall.Connect(fd, peer); err != nil {
		return netip.Addr{}
	}
	own, err := syscall.Getsockname(fd)
	if err != nil {
		return netip.Addr{}
	}
	switch own := own.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrFrom4(own.Addr)
	case *syscall.SockaddrInet6:
		return netip.AddrFrom16(own.Addr)
	}
	return netip.Addr{}
}

// zoneOf is the index of the interface that an address of one link names.
func zoneOf(a netip.Addr) uint32 {
	if a.Zone() == "" {
		return 0
	}
	i, err := net.InterfaceByName(a.Zone())
	if err != nil {
		return 0
	}
	return uint32(i.Index)
}
