package recording

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/reassembly"

	"sipedge/sip"
)

// connections puts TCP segments in order.
type connections struct {
	c       *capture
	lines   *reassembly.Assembler
	pending []found // while connections are flushed: they come in any order
	flushes bool
}

type found struct {
	m   *Message
	at  Place
	err error
}

// What out-of-order segments may take, in pages of 1,900 bytes.
const (
	pagesPerConnection = 1 << 10
	pagesAll           = 1 << 15
)

func newConnections(c *capture) *connections {
	s := &connections{c: c}
	s.lines = reassembly.NewAssembler(reassembly.NewStreamPool(s))
	s.lines.MaxBufferedPagesPerConnection = pagesPerConnection
	s.lines.MaxBufferedPagesTotal = pagesAll
	return s
}

// packet is the mark of the packet a segment came in.
type packet mark

// GetCaptureInfo is reassembly.AssemblerContext's.
func (p packet) GetCaptureInfo() gopacket.CaptureInfo {
	return gopacket.CaptureInfo{Timestamp: p.time, AncillaryData: []any{mark(p)}}
}

func (s *connections) segment(flow gopacket.Flow, tcp *layers.TCP) {
	s.lines.AssembleWithContext(flow, tcp, packet{s.c.place(), s.c.time})
}

// flush no longer waits for what is missing before segments that came before
// waits, and takes connections for closed on which nothing came since idle.
func (s *connections) flush(waits, idle time.Time) {
	s.ordered(func() {
		s.lines.FlushWithOptions(reassembly.FlushOptions{T: waits, TC: idle})
	})
}

// end is that of the capture.
func (s *connections) end() { s.ordered(func() { s.lines.FlushAll() }) }

// ordered puts out what flush finds, in the order of packets.
func (s *connections) ordered(flush func()) {
	s.flushes = true
	flush()
	s.flushes = false
	slices.SortStableFunc(s.pending, func(a, b found) int { return cmp.Compare(a.at.N, b.at.N) })
	for _, f := range s.pending {
		s.put(f)
	}
	s.pending = nil
}

func (s *connections) put(f found) {
	switch {
	case s.flushes:
		s.pending = append(s.pending, f)
	case f.err != nil:
		s.c.out.fault(f.at, f.err)
	default:
		s.c.out.message(f.m)
	}
}

// New is reassembly.StreamFactory's: a connection, with the direction in which
// its first segment went.
func (s *connections) New(
	_, _ gopacket.Flow, tcp *layers.TCP, _ reassembly.AssemblerContext,
) reassembly.Stream {
	from := netip.AddrPortFrom(s.c.from, uint16(tcp.SrcPort))
	to := netip.AddrPortFrom(s.c.to, uint16(tcp.DstPort))
	c := &connection{s: s}
	c.ways[0], c.ways[1] = s.way(from, to), s.way(to, from)
	return c
}

// way splits what goes one way.
func (s *connections) way(from, to netip.AddrPort) *splitter {
	return &splitter{
		message: func(m mark, b []byte) {
			s.put(found{at: m.at, m: &Message{
				At: m.at, Time: m.time, Transport: sip.TCP, From: from, To: to, Bytes: bytes.Clone(b),
			}})
		},
		fault: func(m mark, err error) { s.put(found{at: m.at, err: err}) },
	}
}

// connection is a reassembly.Stream.
type connection struct {
	s    *connections
	ways [2]*splitter
	used bool // bytes went over it
}

// Accept takes every segment. A connection that the capture did not see begin,
// begins with what it sees first.
func (c *connection) Accept(
	tcp *layers.TCP, _ gopacket.CaptureInfo, _ reassembly.TCPFlowDirection,
	next reassembly.Sequence, start *bool, _ reassembly.AssemblerContext,
) bool {
	if next < 0 && !tcp.SYN {
		*start = true
	}
	return true
}

// ReassembledSG takes bytes in their order.
func (c *connection) ReassembledSG(sg reassembly.ScatterGather, _ reassembly.AssemblerContext) {
	n, _ := sg.Lengths()
	dir, _, end, skip := sg.Info()
	s := c.ways[0]
	if dir == reassembly.TCPDirServerToClient {
		s = c.ways[1]
	}
	at := func(i int) mark { return sg.CaptureInfo(i).AncillaryData[0].(mark) }
	if skip > 0 {
		s.gap(skip, at(0))
	}
	if n > 0 {
		c.used = true
		s.feed(sg.Fetch(n), at)
	}
	if end {
		s.end()
	}
}

// ReassemblyComplete is the end of both ways.
func (c *connection) ReassemblyComplete(reassembly.AssemblerContext) bool {
	c.ways[0].end()
	c.ways[1].end()
	if c.used && c.ways[0].found+c.ways[1].found == 0 {
		c.s.c.r.other++
	}
	return true
}
