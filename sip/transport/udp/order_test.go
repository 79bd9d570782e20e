package udp

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"sipedge/sip/transport"
)

// wire is what several Conns write, in order: the texts that went to each remote.
type wire struct {
	mu   sync.Mutex
	sent map[netip.AddrPort][]string
}

// plug is a Conn into a wire.
type plug struct {
	flaky
	wire *wire
}

func (p *plug) WriteBatch(ds []Datagram) (int, error) {
	p.wire.mu.Lock()
	defer p.wire.mu.Unlock()
	for _, d := range ds {
		p.wire.sent[d.Remote] = append(p.wire.sent[d.Remote], string(d.Buf[:d.N]))
	}
	return len(ds), nil
}

func newWire(conns int) (*wire, *Socket) {
	w := &wire{sent: map[netip.AddrPort][]string{}}
	s := &Socket{env: transport.Env{Stats: new(transport.Stats)}}
	for range conns {
		s.outs = append(s.outs, newOutbox(&s.env, &plug{wire: w}))
	}
	return w, s
}

func remote(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), uint16(5060+i))
}

func (w *wire) check(t interface{ Fatalf(string, ...any) }, remotes, each int) {
	for r := range remotes {
		sent := w.sent[remote(r)]
		if len(sent) != each {
			t.Fatalf("%d datagrams for remote %d, want %d", len(sent), r, each)
		}
		for i, text := range sent {
			if text != fmt.Sprint(i) {
				t.Fatalf("remote %d got %v", r, sent)
			}
		}
	}
}

// What goes to one remote leaves in the order it was sent, whichever readers are at work.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const remotes = 3
		conns := rapid.IntRange(1, 4).Draw(t, "conns")
		w, s := newWire(conns)
		busy := make([]bool, conns)
		turns := rapid.IntRange(1, 20).Draw(t, "turns")
		for i := range turns {
			switch c := rapid.IntRange(0, conns-1).Draw(t, "reader"); {
			case !rapid.Bool().Draw(t, "changes"):
			case busy[c]:
				s.outs[c].release()
				busy[c] = false
			default:
				s.outs[c].hold()
				busy[c] = true
			}
			for r := range remotes {
				to := transport.Target{Remote: remote(r)}
				if err := s.Send(to, fmt.Append(nil, i), 0); err != nil {
					t.Fatalf("%v", err)
				}
			}
		}
		for c := range busy {
			s.outs[c].release()
		}
		w.check(t, remotes, turns)
	})
}

func TestOrderOfMany(t *testing.T) {
	const conns, remotes, each = 4, 6, 2000
	w, s := newWire(conns)
	var readers, senders sync.WaitGroup
	done := make(chan struct{})
	for _, o := range s.outs {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					o.hold()
					o.release()
				}
			}
		})
	}
	for r := range remotes {
		senders.Go(func() {
			for i := range each {
				if err := s.Send(transport.Target{Remote: remote(r)}, fmt.Append(nil, i), 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
	close(done)
	readers.Wait()
	w.check(t, remotes, each)
}
