package recording

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// wire writes captures.
type wire struct {
	t    testing.TB
	link layers.LinkType
	b    bytes.Buffer
	put  func(b []byte, ci gopacket.CaptureInfo) error
	snap int // bytes of a packet that are kept; 0 all
	time time.Time
}

var began = time.Date(2026, 2, 28, 18, 30, 0, 0, time.UTC)

func newPcap(t testing.TB, link layers.LinkType) *wire {
	w := &wire{t: t, link: link, time: began}
	p := pcapgo.NewWriter(&w.b)
	w.check(p.WriteFileHeader(65536, link))
	w.put = func(b []byte, ci gopacket.CaptureInfo) error { return p.WritePacket(ci, b) }
	return w
}

func newPcapng(t testing.TB, link layers.LinkType) *wire {
	w := &wire{t: t, link: link, time: began}
	p, err := pcapgo.NewNgWriter(&w.b, link)
	w.check(err)
	w.put = func(b []byte, ci gopacket.CaptureInfo) error {
		defer p.Flush()
		return p.WritePacket(ci, b)
	}
	return w
}

func (w *wire) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// packet writes one, a millisecond after the one before.
func (w *wire) packet(b []byte) {
	ci := gopacket.CaptureInfo{Timestamp: w.time, Length: len(b), CaptureLength: len(b)}
	if w.snap > 0 && len(b) > w.snap {
		b, ci.CaptureLength = b[:w.snap], w.snap
	}
	w.time = w.time.Add(time.Millisecond)
	w.check(w.put(b, ci))
}

// frame is the layers under IP.
func (w *wire) frame(v6 bool) []gopacket.SerializableLayer {
	kind, family := layers.EthernetTypeIPv4, layers.ProtocolFamilyIPv4
	if v6 {
		kind, family = layers.EthernetTypeIPv6, layers.ProtocolFamilyIPv6BSD
	}
	switch w.link {
	case layers.LinkTypeEthernet:
		mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
		return []gopacket.SerializableLayer{
			&layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: layers.EthernetTypeDot1Q},
			&layers.Dot1Q{VLANIdentifier: 7, Type: kind},
		}
	case layers.LinkTypeNull:
		return []gopacket.SerializableLayer{&layers.Loopback{Family: family}}
	case layers.LinkTypeLinuxSLL:
		return []gopacket.SerializableLayer{gopacket.Payload([]byte{
			0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, byte(kind >> 8), byte(kind),
		})}
	case layers.LinkTypeLinuxSLL2:
		return []gopacket.SerializableLayer{gopacket.Payload([]byte{
			byte(kind >> 8), byte(kind), 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0,
		})}
	}
	return nil
}

func (w *wire) ip(from, to netip.AddrPort, p layers.IPProtocol) gopacket.NetworkLayer {
	src, dst := net.IP(from.Addr().AsSlice()), net.IP(to.Addr().AsSlice())
	if from.Addr().Is6() {
		return &layers.IPv6{Version: 6, NextHeader: p, HopLimit: 64, SrcIP: src, DstIP: dst}
	}
	return &layers.IPv4{Version: 4, Protocol: p, TTL: 64, Id: 1, SrcIP: src, DstIP: dst}
}

func (w *wire) serialize(list ...gopacket.SerializableLayer) []byte {
	b := gopacket.NewSerializeBuffer()
	w.check(gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, list...))
	return bytes.Clone(b.Bytes())
}

func (w *wire) send(ip gopacket.NetworkLayer, rest ...gopacket.SerializableLayer) {
	_, v6 := ip.(*layers.IPv6)
	list := append(w.frame(v6), ip.(gopacket.SerializableLayer))
	w.packet(w.serialize(append(list, rest...)...))
}

func (w *wire) udp(from, to string, payload string) {
	a, b := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	ip := w.ip(a, b, layers.IPProtocolUDP)
	u := &layers.UDP{SrcPort: layers.UDPPort(a.Port()), DstPort: layers.UDPPort(b.Port())}
	w.send(ip, u, gopacket.Payload(payload))
}

// tcp is one segment. flags: S, F, R, A.
func (w *wire) tcp(from, to, flags string, seq uint32, payload string) {
	a, b := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	ip := w.ip(a, b, layers.IPProtocolTCP)
	s := &layers.TCP{
		SrcPort: layers.TCPPort(a.Port()), DstPort: layers.TCPPort(b.Port()), Seq: seq, Window: 9000,
		SYN: strings.Contains(flags, "S"), FIN: strings.Contains(flags, "F"),
		RST: strings.Contains(flags, "R"), ACK: strings.Contains(flags, "A"),
	}
	w.send(ip, s, gopacket.Payload(payload))
}

const (
	alice4 = "198.51.100.7:5060"
	edge4  = "192.0.2.10:5060"
	alice6 = "[2001:db8::7]:5060"
	edge6  = "[2001:db8::10]:5060"
)

// options is a request with a body of n bytes.
func options(n int) string {
	body := strings.Repeat("x", n)
	if n >= 2 {
		body = body[2:] + "\r\n"
	}
	return fmt.Sprintf("OPTIONS sip:edge SIP/2.0\r\nCall-ID: %d\r\nContent-Length: %d\r\n\r\n%s",
		n, n, body)
}

// told is what a recording gives, a line each.
func told(t testing.TB, recording []byte) (lines []string, r *Recording) {
	t.Helper()
	r, err := newRecording("test", bytes.NewReader(recording))
	if err != nil {
		return []string{err.Error()}, &Recording{}
	}
	for m, err := range r.Messages() {
		if err != nil {
			lines = append(lines, err.Error())
			continue
		}
		text := r.Format == "messages" || r.Format == "sipp"
		if text && !bytes.Contains(recording, m.Bytes) {
			t.Errorf("%s: %q stands nowhere", m.At, m.Bytes)
		}
		start, _, _ := strings.Cut(string(m.Bytes), "\n")
		line := fmt.Sprintf("%s: %s, %d bytes", m.At, strings.TrimSpace(start), len(m.Bytes))
		if m.From.IsValid() {
			line += fmt.Sprintf(", %s %s > %s", m.Transport, m.From, m.To)
		}
		lines = append(lines, line)
	}
	return lines, r
}

func wantTold(t *testing.T, recording []byte, want ...string) *Recording {
	t.Helper()
	got, r := told(t, recording)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	return r
}

// Every link and both families, in both formats.
func TestLinks(t *testing.T) {
	for name, link := range map[string]layers.LinkType{
		"ethernet": layers.LinkTypeEthernet, "raw": layers.LinkTypeRaw, "null": layers.LinkTypeNull,
		"sll": layers.LinkTypeLinuxSLL, "sll2": layers.LinkTypeLinuxSLL2,
	} {
		for format, make := range map[string]func(testing.TB, layers.LinkType) *wire{
			"pcap": newPcap, "pcapng": newPcapng,
		} {
			t.Run(name+"/"+format, func(t *testing.T) {
				w := make(t, link)
				w.udp(alice4, edge4, options(0))
				w.udp("198.51.100.7:4000", "192.0.2.10:4002", "\x80\x00 not SIP")
				w.udp(alice6, edge6, options(7))
				r := wantTold(t, w.b.Bytes(),
					"packet 1: OPTIONS sip:edge SIP/2.0, 59 bytes, udp "+alice4+" > "+edge4,
					"packet 3: OPTIONS sip:edge SIP/2.0, 66 bytes, udp "+alice6+" > "+edge6)
				if r.Format != format || r.Other() != 1 {
					t.Errorf("a %s with %d other packets", r.Format, r.Other())
				}
			})
		}
	}
}

func TestTimes(t *testing.T) {
	w := newPcap(t, layers.LinkTypeRaw)
	w.udp(alice4, edge4, options(0))
	w.time = time.Unix(0, 0)
	w.udp(alice4, edge4, options(1))
	r, err := newRecording("test", &w.b)
	if err != nil {
		t.Fatal(err)
	}
	var got []time.Time
	for m, err := range r.Messages() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m.Time)
	}
	if len(got) != 2 || !got[0].Equal(began) || !got[1].IsZero() {
		t.Errorf("times %v", got)
	}
}

// A request over TCP in segments that overlap, come twice and in disorder, two
// in one, keep-alives between, answered on the way back.
func TestSegments(t *testing.T) {
	w := newPcap(t, layers.LinkTypeEthernet)
	a, b := options(100), options(1)
	w.tcp(alice4, edge4, "S", 99, "")
	w.tcp(edge4, alice4, "SA", 499, "")
	w.tcp(alice4, edge4, "A", 100, a[:50])
	w.tcp(alice4, edge4, "A", 190, a[90:]+"\r\n\r\n"+b[:20])
	w.tcp(edge4, alice4, "A", 500, "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")
	w.tcp(alice4, edge4, "A", 140, a[40:100])
	w.tcp(alice4, edge4, "A", 140, a[40:100])
	w.tcp(alice4, edge4, "A", uint32(100+len(a)+4+20), b[20:]+b+b)
	w.tcp(alice4, edge4, "FA", uint32(100+len(a)+4+3*len(b)), "")
	wantTold(t, w.b.Bytes(),
		"packet 5: SIP/2.0 200 OK, 37 bytes, tcp "+edge4+" > "+alice4,
		"packet 3: OPTIONS sip:edge SIP/2.0, 163 bytes, tcp "+alice4+" > "+edge4,
		"packet 4: OPTIONS sip:edge SIP/2.0, 60 bytes, tcp "+alice4+" > "+edge4,
		"packet 8: OPTIONS sip:edge SIP/2.0, 60 bytes, tcp "+alice4+" > "+edge4,
		"packet 8: OPTIONS sip:edge SIP/2.0, 60 bytes, tcp "+alice4+" > "+edge4)
}

// A capture that begins in a connection, and in a message, and loses a segment.
func TestLostSegments(t *testing.T) {
	w := newPcapng(t, layers.LinkTypeLinuxSLL2)
	a := options(30)
	w.tcp(alice6, edge6, "A", 1000, a[40:]+a)
	next := uint32(1000 + 2*len(a) - 40)
	w.tcp(alice6, edge6, "A", next+10, a[10:]+a)
	w.tcp(alice6, edge6, "A", next+uint32(2*len(a)), a[:33])
	way := ", tcp " + alice6 + " > " + edge6
	wantTold(t, w.b.Bytes(),
		"packet 1: 49 bytes are no message",
		"packet 1: OPTIONS sip:edge SIP/2.0, 91 bytes"+way,
		"packet 2: 10 bytes are missing",
		"packet 2: 79 bytes are no message",
		"packet 2: OPTIONS sip:edge SIP/2.0, 91 bytes"+way,
		"packet 3: cut short: 33 bytes of a message")
}

// What is not SIP is no fault; what would end a connection is.
func TestOtherConnections(t *testing.T) {
	w := newPcap(t, layers.LinkTypeRaw)
	w.tcp("198.51.100.7:40000", "192.0.2.10:443", "S", 0, "")
	w.tcp("198.51.100.7:40000", "192.0.2.10:443", "A", 1, "\x16\x03\x01\x02\x00\n\x01\x00")
	w.tcp(alice4, edge4, "A", 1, "OPTIONS sip:edge SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\nrest\r\n"+options(2))
	r := wantTold(t, w.b.Bytes(),
		"packet 3: Content-Length Given Twice",
		"packet 3: OPTIONS sip:edge SIP/2.0, 61 bytes, tcp "+alice4+" > "+edge4)
	if r.Other() != 1 {
		t.Errorf("%d others, want 1", r.Other())
	}
}

// Datagrams in fragments, in any order; those that miss one are told.
func TestFragments(t *testing.T) {
	from4, to4 := netip.MustParseAddrPort(alice4), netip.MustParseAddrPort(edge4)
	from6, to6 := netip.MustParseAddrPort(alice6), netip.MustParseAddrPort(edge6)
	w := newPcap(t, layers.LinkTypeRaw)
	fragments := func(payload string, v6, last bool) {
		u := &layers.UDP{SrcPort: 5060, DstPort: 5060}
		b := w.serialize(u, gopacket.Payload(payload))
		for _, part := range [][2]int{{8, len(b)}, {0, 8}} {
			switch {
			case part[0] == 0 && !last:
			case v6:
				w.send(w.ip(from6, to6, layers.IPProtocolIPv6Fragment), gopacket.Payload(w.serialize(
					&layers.IPv6Fragment{
						NextHeader: layers.IPProtocolUDP, FragmentOffset: uint16(part[0] / 8),
						MoreFragments: part[0] == 0, Identification: 1,
					})), gopacket.Payload(b[part[0]:part[1]]))
			default:
				ip := w.ip(from4, to4, layers.IPProtocolUDP).(*layers.IPv4)
				if ip.FragOffset = uint16(part[0] / 8); part[0] == 0 {
					ip.Flags = layers.IPv4MoreFragments
				}
				w.send(ip, gopacket.Payload(b[part[0]:part[1]]))
			}
		}
	}
	fragments(options(3000), false, true)
	fragments(options(3000), true, true)
	fragments(options(3000), false, false)
	wantTold(t, w.b.Bytes(),
		"packet 2: OPTIONS sip:edge SIP/2.0, 3065 bytes, udp "+alice4+" > "+edge4,
		"packet 4: OPTIONS sip:edge SIP/2.0, 3065 bytes, udp "+alice6+" > "+edge6,
		"packet 5: datagrams before that miss fragments: 1")
}

// Captures that end early, keep too little of packets, or are none.
func TestBrokenCaptures(t *testing.T) {
	w := newPcap(t, layers.LinkTypeRaw)
	w.udp(alice4, edge4, options(0))
	whole := "packet 1: OPTIONS sip:edge SIP/2.0, 59 bytes, udp " + alice4 + " > " + edge4
	wantTold(t, w.b.Bytes()[:w.b.Len()-1], "packet 1: cut short")
	wantTold(t, w.b.Bytes()[:20], "read test: unexpected EOF")
	bad := append(bytes.Clone(w.b.Bytes()), bytes.Repeat([]byte{0xff}, 16)...)
	wantTold(t, bad, whole,
		"read test: packet 2: capture length exceeds snap length: 4294967295 > 65536")

	w.snap = 60
	w.udp(alice4, edge4, options(0))
	wantTold(t, w.b.Bytes(), whole, "packet 2: cut short: 32 of 59 bytes of a message")

	var z bytes.Buffer
	g := gzip.NewWriter(&z)
	_, err := g.Write(w.b.Bytes())
	w.check(err)
	w.check(g.Close())
	wantTold(t, z.Bytes(), whole, "packet 2: cut short: 32 of 59 bytes of a message")
	wantTold(t, z.Bytes()[:z.Len()/2], "packet 1: cut short")
}
