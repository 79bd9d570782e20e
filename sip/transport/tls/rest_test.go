//go:build linux

package tls

import (
	"testing"
	"time"

	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// A connection that is quiet rests, at both its ends, and carries messages as before. It ends while
// it rests, too.
func TestRest(t *testing.T) {
	t.Parallel() // it takes seconds
	ca := transporttest.NewAuthority(t)
	cert, key, made := ca.Issue("edge", names("127.0.0.1"))
	s := store(t, map[string]Files{"edge": {
		Cert: cert, Key: key, CA: []string{ca.CA}, CRL: []string{ca.Revoke("ca.crl")},
	}})
	a, fromB := node(t, s.Credentials("edge"), transport.Limits{})
	b, fromA := node(t, s.Credentials("edge"), transport.Limits{})
	rest := func() {
		t.Helper()
		end := time.Now().Add(30 * time.Second)
		for a.Stats()[0].Resting.Load() != 1 || b.Stats()[0].Resting.Load() != 1 {
			if time.Now().After(end) {
				t.Fatal("they do not rest")
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
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
		rest()
	}
	ca.Revoke("ca.crl", made)
	refreshed(t, s)
	ends(t, a, transport.EndedRevoked)
	ends(t, b, transport.EndedByPeer)
}
