package transaction

import (
	"net/netip"
	"sync"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// A target is a transport.Target without the pointer a netip.Addr has.
type target struct {
	addr      [16]byte
	conn      uint64
	port      uint16
	listener  uint16
	transport sip.Transport
	family    uint8 // 0 no address, 4, 6
	zone      uint8 // index into zones; 0: none
	noDial    bool
}

func (l *Layer) pack(t transport.Target) target {
	p := target{
		conn: t.Conn, listener: t.Listener, transport: t.Transport, noDial: t.NoDial,
		port: t.Remote.Port(),
	}
	switch a := t.Remote.Addr(); {
	case a.Is4():
		b := a.As4()
		copy(p.addr[:], b[:])
		p.family = 4
	case a.Is6():
		p.addr = a.As16()
		p.family = 6
		if z := a.Zone(); z != "" {
			p.zone = l.zones.index(z)
		}
	}
	return p
}

// on is t over the connection of another message of the same peer.
func (t target) on(f transport.Flow) target {
	if f.Conn != 0 && f.Transport == t.transport {
		t.conn, t.listener = f.Conn, f.Listener
	}
	return t
}

func (l *Layer) unpack(p *target) transport.Target {
	t := transport.Target{
		Transport: p.transport, Listener: p.listener, NoDial: p.noDial, Conn: p.conn,
	}
	var a netip.Addr
	switch p.family {
	case 4:
		a = netip.AddrFrom4([4]byte(p.addr[:4]))
	case 6:
		a = netip.AddrFrom16(p.addr)
		if p.zone != 0 {
			a = a.WithZone(l.zones.name(p.zone))
		}
	}
	t.Remote = netip.AddrPortFrom(a, p.port)
	return t
}

// zones numbers the zones of link-local addresses: interfaces of this host,
// so there are few. Beyond 255 a zone is lost.
type zones struct {
	mu    sync.Mutex
	names []string
}

func (z *zones) index(name string) uint8 {
	z.mu.Lock()
	defer z.mu.Unlock()
	for i, n := range z.names {
		if n == name {
			return uint8(i + 1)
		}
	}
	if len(z.names) == 255 {
		return 0
	}
	z.names = append(z.names, name)
	return uint8(len(z.names))
}

func (z *zones) name(i uint8) string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.names[i-1]
}
