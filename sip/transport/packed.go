package transport

import (
	"net/netip"
	"slices"
	"sync"

	"sipedge/sip"
)

// Packed is a Target without the pointers of netip.Addr and sip.HostName, in half a cache line.
type Packed struct {
	addr     [16]byte
	conn     uint64
	port     uint16
	listener uint16
	kind     uint8 // the transport and bits, below
	// rest is the number in Packer.names of a target with a name. Of another one it is the
	// index into Packer.zones and that into Packer.locals, 0 for none: what has a name is
	// reached over a connection, and not by its link.
	rest [3]uint8
}

const transportBits uint8 = 1<<3 - 1

const (
	isIPv4 uint8 = 1 << (iota + 3)
	isIPv6
	noDial
	named
)

// A Packer packs the targets of one Sender. All methods are safe for concurrent use.
type Packer struct {
	listeners func() []Listener
	zones     few[string]
	locals    few[netip.Addr]
	names     many
}

// NewPacker returns a Packer for the listeners of a Sender, which are asked for again each time.
func NewPacker(listeners func() []Listener) *Packer { return &Packer{listeners: listeners} }

// Pack returns t so that Unpack gives it back. A Local that is not needed, because there is
// only one to leave from, is left out. A Name so many others came after that it is not known any
// more gives NoDial: what is open is used, and nobody is taken for it.
func (k *Packer) Pack(t Target) Packed {
	p := Packed{
		conn: t.Conn, listener: t.Listener, kind: uint8(t.Transport), port: t.Remote.Port(),
	}
	if t.NoDial {
		p.kind |= noDial
	}
	if t.Name != (sip.HostName{}) {
		p.kind |= named
		n := k.names.number(t.Name)
		p.rest = [3]uint8{uint8(n), uint8(n >> 8), uint8(n >> 16)}
	} else if k.wildcard(t.Listener) && t.Local.IsValid() && !t.Local.IsUnspecified() {
		p.rest[1] = k.locals.index(t.Local)
	}
	switch a := t.Remote.Addr(); {
	case a.Is4():
		b := a.As4()
		copy(p.addr[:], b[:])
		p.kind |= isIPv4
	case a.Is6():
		p.addr = a.As16()
		p.kind |= isIPv6
		if z := a.Zone(); z != "" && p.kind&named == 0 {
			p.rest[0] = k.zones.index(z)
		}
	}
	return p
}

func (t *Packed) transport() sip.Transport { return sip.Transport(t.kind & transportBits) }

// On is t over the connection of another message of the same peer.
func (t Packed) On(f Flow) Packed {
	if f.Conn != 0 && f.Transport == t.transport() {
		t.conn, t.listener = f.Conn, f.Listener
	}
	return t
}

// Unpack returns the Target of p.
func (k *Packer) Unpack(p *Packed) Target {
	t := Target{
		Transport: p.transport(), Listener: p.listener, NoDial: p.kind&noDial != 0, Conn: p.conn,
	}
	zone := uint8(0)
	if p.kind&named != 0 {
		var known bool
		n := uint32(p.rest[0]) | uint32(p.rest[1])<<8 | uint32(p.rest[2])<<16
		t.Name, known = k.names.value(n)
		t.NoDial = t.NoDial || !known
	} else {
		zone, t.Local = p.rest[0], k.locals.value(p.rest[1])
	}
	var a netip.Addr
	switch {
	case p.kind&isIPv4 != 0:
		a = netip.AddrFrom4([4]byte(p.addr[:4]))
	case p.kind&isIPv6 != 0:
		a = netip.AddrFrom16(p.addr)
		if zone != 0 {
			a = a.WithZone(k.zones.value(zone))
		}
	}
	t.Remote = netip.AddrPortFrom(a, p.port)
	return t
}

// PackedFlow is a Flow without pointers; its Peer and how full the queue was are left out.
type PackedFlow struct {
	target Packed
	port   uint16 // of Local
}

// PackFlow returns f so that UnpackFlow gives it back.
func (k *Packer) PackFlow(f Flow) PackedFlow {
	return PackedFlow{target: k.Pack(f.Target()), port: f.Local.Port()}
}

// UnpackFlow returns the Flow of p.
func (k *Packer) UnpackFlow(p *PackedFlow) Flow {
	t := k.Unpack(&p.target)
	if all := k.listeners(); !t.Local.IsValid() && int(t.Listener) < len(all) {
		t.Local = all[t.Listener].Addr.Addr()
	}
	return Flow{
		Transport: t.Transport, Listener: t.Listener, Conn: t.Conn, Remote: t.Remote,
		Local: netip.AddrPortFrom(t.Local, p.port),
	}
}

// wildcard reports whether a listener is bound to all addresses of the host.
func (k *Packer) wildcard(listener uint16) bool {
	all := k.listeners()
	return int(listener) < len(all) && all[listener].Addr.Addr().IsUnspecified()
}

// few numbers values of which this host has few: zones of link-local addresses, which are
// its interfaces, and its own addresses. Beyond 255 a value is lost.
type few[T comparable] struct {
	mu     sync.Mutex
	values []T
}

func (f *few[T]) index(v T) uint8 {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.Index(f.values, v)
	if i < 0 {
		if i = len(f.values); i == 255 {
			return 0
		}
		f.values = append(f.values, v)
	}
	return uint8(i + 1)
}

// value is that of an index; 0: the zero value.
func (f *few[T]) value(i uint8) (v T) {
	if i == 0 {
		return v
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.values[i-1]
}
