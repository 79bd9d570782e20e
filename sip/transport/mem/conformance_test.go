package mem_test

import (
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
	"sipedge/sip/transport/transporttest"
)

type world struct{ net *mem.Network }

type node struct{ *mem.Node }

func (n node) Stop() { n.Close() }

func (w world) Open(t *testing.T, ls ...transport.Listener) transporttest.Node {
	t.Helper()
	n, err := w.net.Node(ls...)
	if err != nil {
		t.Fatal(err)
	}
	return node{n}
}

func (w world) Until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for !done() {
		if !w.net.Step() {
			t.Fatalf("nothing is left to happen: %s", what)
		}
	}
}

func TestConformance(t *testing.T) {
	link := mem.Link{Delay: 5 * time.Millisecond, Jitter: 3 * time.Millisecond}
	for _, tr := range []sip.Transport{sip.UDP, sip.TCP, sip.TLS, sip.WS} {
		t.Run(tr.ViaName(), func(t *testing.T) {
			transporttest.Run(t, tr, func(*testing.T) transporttest.World {
				return world{mem.New(mem.Config{Seed: 1, Link: link})}
			})
		})
	}
}
