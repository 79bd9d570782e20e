//go:build linux && !portable

package tls

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// A connection has no goroutine once its handshake is over, at both its ends, and ends when it
// is to.
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
		if a, b := a.Stats()[0].Resting.Load(), b.Stats()[0].Resting.Load(); a != 1 || b != 1 {
			t.Errorf("%d and %d are a loop's, want 1", a, b)
		}
	}
	ca.Revoke("ca.crl", made)
	refreshed(t, s)
	ends(t, a, transport.EndedRevoked)
	ends(t, b, transport.EndedByPeer)
}

// Who changes his keys, and asks for ours to change, goes on.
func TestKeyUpdate(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("SIPEDGE_REQUIRE_REAL") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	ca := transporttest.NewAuthority(t)
	c := store(t, map[string]Files{"edge": one(ca, "edge", None, "127.0.0.1")}).Credentials("edge")
	at, st := echo(t, c, transport.Limits{})
	client := exec.CommandContext(t.Context(), openssl, "s_client", "-connect", at, "-tls1_3")
	in, err := client.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said, told output
	client.Stdout, client.Stderr = &said, &told
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		text := transporttest.Text(i, 100)
		for _, s := range []struct {
			write []byte
			heard func() bool
		}{
			{[]byte("K\n"), func() bool { return told.count("KEYUPDATE") == i+1 }},
			{text, func() bool { return said.count(string(text)) == 1 }},
		} {
			if _, err := in.Write(s.write); err != nil {
				t.Fatal(err)
			}
			transporttest.Eventually(t, "an answer", s.heard)
		}
	}
	in.Close()
	_ = client.Wait() // its end was asked for
	transporttest.Eventually(t, "its end", func() bool {
		return st.Ended[transport.EndedByPeer].Load() == 1
	})
}

// output is what a program has written so far.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) count(s string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Count(o.text.String(), s)
}
