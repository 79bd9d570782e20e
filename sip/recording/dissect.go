package recording

import (
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/ip4defrag"
	"github.com/gopacket/gopacket/ip6defrag"
	"github.com/gopacket/gopacket/layers"
)

// dissector finds what UDP and TCP carry in packets: by Ethernet with VLANs,
// Linux cooked (both versions), loopback, or raw; IP within IP is looked into.
// Its layers are those of the last packet.
type dissector struct {
	ethernet layers.Ethernet
	vlan     layers.Dot1Q
	cooked   layers.LinuxSLL
	cooked2  layers.LinuxSLL2
	loopback layers.Loopback
	ip4      layers.IPv4
	ip6      layers.IPv6
	skipped  layers.IPv6ExtensionSkipper
	fragment layers.IPv6Fragment
	udp      layers.UDP
	tcp      layers.TCP

	parsers    map[gopacket.LayerType]*gopacket.DecodingLayerParser
	found      []gopacket.LayerType
	six        bool // the IP in which it was found
	fragments4 *ip4defrag.IPv4Defragmenter
	fragments6 *ip6defrag.IPv6Defragmenter
}

func newDissector() *dissector {
	return &dissector{
		parsers:    map[gopacket.LayerType]*gopacket.DecodingLayerParser{},
		fragments4: ip4defrag.NewIPv4Defragmenter(),
		fragments6: ip6defrag.NewIPv6Defragmenter(),
	}
}

// parser begins with a layer.
func (d *dissector) parser(first gopacket.LayerType) *gopacket.DecodingLayerParser {
	p := d.parsers[first]
	if p == nil {
		p = gopacket.NewDecodingLayerParser(first, &d.ethernet, &d.vlan, &d.cooked, &d.cooked2,
			&d.loopback, &d.ip4, &d.ip6, &d.skipped, &d.fragment, &d.udp, &d.tcp)
		p.IgnoreUnsupported = true
		d.parsers[first] = p
	}
	return p
}

// dissect looks into a packet. It returns LayerTypeUDP or LayerTypeTCP when the
// layer of that type holds what was carried, LayerTypeFragment when more
// fragments must come, and something else for all else.
func (d *dissector) dissect(
	b []byte, link layers.LinkType, at time.Time,
) gopacket.LayerType {
	kind := d.layers(firstLayer(b, link), b)
	for range maxNested {
		var next gopacket.LayerType
		switch {
		case kind == layers.LayerTypeIPv4 && d.ip4.NextLayerType() == gopacket.LayerTypeFragment:
			part := d.ip4 // the defragmenter keeps it
			whole, err := d.fragments4.DefragIPv4WithTimestamp(&part, at)
			if err != nil {
				return gopacket.LayerTypeDecodeFailure
			} else if whole == nil {
				return gopacket.LayerTypeFragment
			}
			next, b = whole.NextLayerType(), whole.Payload
		case kind == layers.LayerTypeIPv6Fragment &&
			d.fragment.NextLayerType() == gopacket.LayerTypeFragment:
			header, part := d.ip6, d.fragment
			whole := d.fragments6.DefragIPv6(&header, &part)
			if whole == nil {
				return gopacket.LayerTypeFragment
			}
			next, b = whole.NextLayerType(), whole.Payload
		default:
			return kind
		}
		kind = d.layers(next, b)
	}
	return kind
}

// maxNested is how many layers of fragments are put together.
const maxNested = 4

// layers decodes a packet, or what fragments carried, and returns its last layer.
func (d *dissector) layers(first gopacket.LayerType, b []byte) gopacket.LayerType {
	d.found = d.found[:0]
	if first == gopacket.LayerTypeZero || d.parser(first).DecodeLayers(b, &d.found) != nil ||
		len(d.found) == 0 {
		return gopacket.LayerTypeDecodeFailure
	}
	for _, l := range d.found {
		switch l {
		case layers.LayerTypeIPv4:
			d.six = false
		case layers.LayerTypeIPv6:
			d.six = true
		}
	}
	return d.found[len(d.found)-1]
}

// firstLayer is what a packet of a link begins with.
func firstLayer(b []byte, link layers.LinkType) gopacket.LayerType {
	switch link {
	case layers.LinkTypeEthernet:
		return layers.LayerTypeEthernet
	case layers.LinkTypeLinuxSLL:
		return layers.LayerTypeLinuxSLL
	case layers.LinkTypeLinuxSLL2:
		return layers.LayerTypeLinuxSLL2
	case layers.LinkTypeNull, layers.LinkTypeLoop:
		return layers.LayerTypeLoopback
	case layers.LinkTypeRaw, layers.LinkTypeIPv4, layers.LinkTypeIPv6, rawBSD, rawOpenBSD:
		if len(b) > 0 && b[0]>>4 == 6 {
			return layers.LayerTypeIPv6
		}
		return layers.LayerTypeIPv4
	}
	return gopacket.LayerTypeZero
}

// Raw IP as the systems number it in their captures.
const (
	rawBSD     layers.LinkType = 12
	rawOpenBSD layers.LinkType = 14
)

func (d *dissector) addresses() (from, to netip.Addr) {
	src, dst := d.ip4.SrcIP, d.ip4.DstIP
	if d.six {
		src, dst = d.ip6.SrcIP, d.ip6.DstIP
	}
	from, _ = netip.AddrFromSlice(src)
	to, _ = netip.AddrFromSlice(dst)
	return from.Unmap(), to.Unmap()
}

func (d *dissector) flow() gopacket.Flow {
	if d.six {
		return d.ip6.NetworkFlow()
	}
	return d.ip4.NetworkFlow()
}

// forget drops the datagrams of which no fragment came since t, all for the
// zero time, and counts them.
func (d *dissector) forget(t time.Time) int {
	if t.IsZero() {
		t = time.Unix(1<<40, 0)
	}
	return d.fragments4.DiscardOlderThan(t) + d.fragments6.DiscardOlderThan(t)
}
