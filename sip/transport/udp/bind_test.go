package udp

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"sipedge/sip/transport"
)

// From the first socket of a listener to the last nobody else gets its address: neither who wants
// it for himself, nor another listener that would share it.
func TestBindsAtOnce(t *testing.T) {
	if !spreads {
		t.Skip("a listener has one socket here")
	}
	for name, open := range map[string]opener{"best": openBest, "portable": openNet} {
		t.Run(name, func(t *testing.T) {
			const workers = 3
			asked := 0
			others := func(l transport.Listener, s sharing) (Conn, netip.AddrPort, error) {
				if asked++; asked > 1 {
					if c, err := net.ListenPacket("udp4", l.Addr.String()); err == nil {
						c.Close()
						t.Errorf("before socket %d somebody else had %s", asked, l.Addr)
					}
					if more, _, err := bind(l, workers, open); err == nil {
						shut(more)
						t.Errorf("before socket %d another listener had %s", asked, l.Addr)
					} else if !errors.Is(err, syscall.EADDRINUSE) {
						t.Error(err)
					}
				}
				return open(l, s)
			}
			conns, at, err := bind(transport.Listener{
				Addr: netip.MustParseAddrPort("127.0.0.1:0"),
			}, workers, others)
			if err != nil || len(conns) != workers || at.Port() == 0 {
				t.Fatalf("%d sockets of %s, %v", len(conns), at, err)
			}
			shut(conns)
		})
	}
}

func shut(conns []Conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}
