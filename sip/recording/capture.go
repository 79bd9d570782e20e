package recording

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"sipedge/sip"
)

// The first bytes of a capture: pcap in both orders with times in micro- and
// nanoseconds, and the section header of pcapng.
func isPcap(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	switch string(head[:4]) {
	case "\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x4d\x3c\xb2\xa1":
		return true
	}
	return false
}

func isPcapng(head []byte) bool { return len(head) >= 4 && string(head[:4]) == "\x0a\x0d\x0d\x0a" }

func readPcap(r *Recording, out *output) error {
	p, err := pcapgo.NewReader(r.in)
	if err != nil {
		return err
	}
	return readPackets(r, out, p.ReadPacketData,
		func(*gopacket.CaptureInfo) layers.LinkType { return p.LinkType() })
}

func readPcapng(r *Recording, out *output) error {
	p, err := pcapgo.NewNgReader(r.in, pcapgo.NgReaderOptions{
		WantMixedLinkType: true, SkipUnknownVersion: true,
	})
	if err != nil {
		return err
	}
	return readPackets(r, out, p.ReadPacketData, func(ci *gopacket.CaptureInfo) layers.LinkType {
		link, _ := ci.AncillaryData[0].(layers.LinkType)
		return link
	})
}

// capture is where the reading of packets stands:
//
//  1. dissect finds the datagram or segment in a packet, of IP fragments when
//     they are all there;
//  2. a datagram is a message, or something else;
//  3. a segment goes to its connection, whose bytes are split into messages.
type capture struct {
	r     *Recording
	out   *output
	n     int // packets so far
	time  time.Time
	from  netip.Addr
	to    netip.Addr
	wires *dissector
	conns *connections
}

func readPackets(
	r *Recording, out *output, next func() ([]byte, gopacket.CaptureInfo, error),
	link func(*gopacket.CaptureInfo) layers.LinkType,
) error {
	c := &capture{r: r, out: out, wires: newDissector()}
	c.conns = newConnections(c)
	var failed error
	for !out.done {
		b, ci, err := next()
		if errors.Is(err, io.ErrUnexpectedEOF) {
			out.fault(Place{"packet", c.n + 1}, ErrCut)
			break
		} else if err == io.EOF {
			break
		} else if err != nil {
			failed = fmt.Errorf("packet %d: %w", c.n+1, err)
			break
		}
		c.n++
		if c.time = ci.Timestamp; c.time.Unix() <= 0 {
			c.time = time.Time{} // nobody looked at the clock
		}
		c.packet(b, link(&ci))
		if c.n%sweepEvery == 0 {
			c.sweep(c.time)
		}
	}
	c.conns.end()
	c.missing(c.wires.forget(time.Time{}))
	return failed
}

// How often what is not whole is looked at, in packets, and how long it is waited for.
const (
	sweepEvery    = 1 << 12
	fragmentsWait = 30 * time.Second
	segmentsWait  = 2 * time.Minute
	connectionEnd = time.Hour
)

// sweep gives up what has waited too long.
func (c *capture) sweep(now time.Time) {
	if !now.IsZero() {
		c.missing(c.wires.forget(now.Add(-fragmentsWait)))
		c.conns.flush(now.Add(-segmentsWait), now.Add(-connectionEnd))
	}
}

func (c *capture) missing(datagrams int) {
	if datagrams > 0 {
		c.out.fault(c.place(), fmt.Errorf("datagrams before that miss fragments: %d", datagrams))
	}
}

func (c *capture) place() Place { return Place{"packet", c.n} }

func (c *capture) packet(b []byte, link layers.LinkType) {
	w := c.wires
	kind := w.dissect(b, link, c.time)
	switch kind {
	case layers.LayerTypeUDP:
		c.from, c.to = w.addresses()
		c.datagram()
	case layers.LayerTypeTCP:
		c.from, c.to = w.addresses()
		c.conns.segment(w.flow(), &w.tcp)
	case gopacket.LayerTypeFragment:
	default:
		c.r.other++
	}
}

func (c *capture) datagram() {
	udp := &c.wires.udp
	b := udp.Payload
	switch whole := int(udp.Length) - 8; {
	case !begins(b):
		c.r.other++
	case len(b) < whole:
		c.out.fault(c.place(), fmt.Errorf("%w: %d of %d bytes of a message", ErrCut, len(b), whole))
	default:
		c.out.message(&Message{
			At: c.place(), Time: c.time, Transport: sip.UDP, Bytes: b,
			From: netip.AddrPortFrom(c.from, uint16(udp.SrcPort)),
			To:   netip.AddrPortFrom(c.to, uint16(udp.DstPort)),
		})
	}
}
