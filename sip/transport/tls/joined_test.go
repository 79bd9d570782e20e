//go:build linux && !portable

package tls

import (
	"testing"

	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// A connection has no goroutine once its handshake is over, at both its ends, and ends when it is
// to.
func TestJoined(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	cert, key, made := ca.Issue("edge", names("127.0.0.1"))
	s := store(t, map[string]Files{"edge": {
		Cert: cert, Key: key, CA: []string{ca.CA}, CRL: []string{ca.Revoke("ca.crl")},
	}})
	a, fromB := node(t, s.Credentials("edge"), transport.Limits{})
	b, fromA := node(t, s.Credentials("edge"), transport.Limits{})
	for round := 1; round <= 2; round++ {
		if err := a.Send(to(b, ""), transporttest.Text(round, 3000), 1); err != nil {
			t.Fatal(err)
		}
		arrive(t, fromA, round)
		back := fromA.Messages()[round-1].Flow.Target()
		if back.Conn != fromA.Messages()[0].Flow.Conn {
			t.Error("by another connection than the first")
		}
		if err := b.Send(back, transporttest.Text(round, 100), 1); err != nil {
			t.Fatal(err)
		}
		arrive(t, fromB, round)
		if a, b := a.Stats()[0].Looped.Load(), b.Stats()[0].Looped.Load(); a != 1 || b != 1 {
			t.Errorf("%d and %d are a loop's, want 1", a, b)
		}
	}
	ca.Revoke("ca.crl", made)
	refreshed(t, s)
	ends(t, a, transport.EndedRevoked)
	ends(t, b, transport.EndedByPeer)
}
