package transporttest

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"sipedge/sip"
)

// Marks holds a transport to Listener.DSCP: what a listener sends, in both families and over
// connections in both directions, has its code point; what another sends has none. It looks at
// the packets themselves, which the system permits root alone.
func Marks(t *testing.T, tr sip.Transport, world func(t *testing.T) World) {
	s := suite{tr: tr, world: world}
	for _, a := range []netip.Addr{v4, v6} {
		t.Run(a.String(), func(t *testing.T) { s.marked(t, a) })
	}
}

const codePoint = 26 // AF31

func (s *suite) marked(t *testing.T, a netip.Addr) {
	w, ra, rb := s.world(t), &Recorder{}, &Recorder{}
	l := s.listener(a)
	l.DSCP = codePoint
	na, nb := w.Open(t, l), w.Open(t, s.listener(a))
	marks := sniff(t, s.tr, a, s.to(na).Remote.Port(), s.to(nb).Remote.Port())
	na.Start(ra)
	nb.Start(rb)
	t.Cleanup(func() {
		na.Stop()
		nb.Stop()
	})
	must(t, na.Send(s.to(nb), []byte(marked(1)), 0)) // over what the marked one opened
	must(t, nb.Send(s.to(na), []byte(plain(1)), 0))  // over what it accepted
	w.Until(t, "the messages", func() bool {
		return len(ra.Messages()) == 1 && len(rb.Messages()) == 1
	})
	must(t, na.Send(ra.Messages()[0].Flow.Target(), []byte(marked(2)), 0))
	must(t, nb.Send(rb.Messages()[0].Flow.Target(), []byte(plain(2)), 0))
	for _, want := range []struct {
		text string
		dscp uint8
	}{{marked(1), codePoint}, {marked(2), codePoint}, {plain(1), 0}, {plain(2), 0}} {
		var got uint8
		w.Until(t, "the packet", func() (seen bool) {
			got, seen = marks.of(want.text)
			return seen
		})
		if got != want.dscp {
			t.Errorf("code point %d, want %d: %q", got, want.dscp, want.text)
		}
	}
}

func marked(i int) string { return string(Text(1000+i, 0)) }
func plain(i int) string  { return string(Text(2000+i, 0)) }

// sniffer holds the packets of a protocol that an address got.
type sniffer struct {
	mu      sync.Mutex
	packets []string // the beginning of each, from the header of the protocol on
	dscp    []uint8
}

func (s *sniffer) add(packet []byte, trafficClass int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packets = append(s.packets, string(packet))
	s.dscp = append(s.dscp, uint8(trafficClass>>2))
}

// of is the code point of the packet that ends with text.
func (s *sniffer) of(text string) (dscp uint8, seen bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range s.packets {
		if strings.Contains(p, text) {
			return s.dscp[i], true
		}
	}
	return 0, false
}

// sniff looks at what is sent by these ports or to them, from now on.
func sniff(t *testing.T, tr sip.Transport, a netip.Addr, ports ...uint16) *sniffer {
	t.Helper()
	protocol := "tcp"
	switch tr {
	case sip.UDP:
		protocol = "udp"
	case sip.SCTP:
		protocol = "132"
	}
	family := "ip6:"
	if a.Is4() {
		family = "ip4:"
	}
	c, err := net.ListenPacket(family+protocol, a.String())
	if errors.Is(err, os.ErrPermission) && os.Getenv("SIPEDGE_REQUIRE_REAL") != "1" {
		t.Skip("not permitted to look at packets: needs root")
	}
	must(t, err)
	s, done := &sniffer{}, make(chan struct{})
	t.Cleanup(func() {
		c.Close()
		<-done
	})
	buf := make([]byte, 4096)
	if a.Is4() {
		raw, err := ipv4.NewRawConn(c)
		must(t, err)
		must(t, raw.SetBPF(only(t, bpf.LoadMemShift{}, ports)))
		go func() {
			defer close(done)
			for h, b, _, err := raw.ReadFrom(buf); err == nil; h, b, _, err = raw.ReadFrom(buf) {
				s.add(b, h.TOS)
			}
		}()
		return s
	}
	raw := ipv6.NewPacketConn(c)
	must(t, raw.SetControlMessage(ipv6.FlagTrafficClass, true))
	must(t, raw.SetBPF(only(t, bpf.LoadConstant{Dst: bpf.RegX}, ports)))
	go func() {
		defer close(done)
		for n, cm, _, err := raw.ReadFrom(buf); err == nil; n, cm, _, err = raw.ReadFrom(buf) {
			s.add(buf[:n], cm.TrafficClass)
		}
	}()
	return s
}

// only is a filter for packets from or to some ports: what others send would fill the socket's
// queue. start is where the header of the protocol begins.
func only(t *testing.T, start bpf.Instruction, ports []uint16) []bpf.RawInstruction {
	t.Helper()
	program := []bpf.Instruction{start}
	for side := range uint32(2) {
		program = append(program, bpf.LoadIndirect{Off: 2 * side, Size: 2})
		for i, port := range ports {
			left := len(ports) - 1 - i // comparisons behind this one
			if side == 0 {
				left += 1 + len(ports)
			}
			program = append(program,
				bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(port), SkipTrue: uint8(left + 1)})
		}
	}
	filter, err := bpf.Assemble(append(program, bpf.RetConstant{}, bpf.RetConstant{Val: 1 << 16}))
	must(t, err)
	return filter
}
