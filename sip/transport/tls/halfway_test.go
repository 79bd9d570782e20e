package tls

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

const (
	halves = 1000
	visits = 300
	rounds = 10                   // at most
	slack  = 2 * time.Millisecond // of a machine that does other things, on one visit
)

// A thousand peers that say nothing, or half a ClientHello, beside one that is well: his
// handshakes and messages take no longer. A listener without them is visited in turn with
// theirs, so that what else the machine does falls on both.
func TestHalfHandshakesBesideAGoodOne(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	c := store(t, map[string]Files{"edge": one(ca, "edge", None, "edge.example")}).Credentials("edge")
	limits := transport.Limits{Handshakes: 2 * halves, Handshake: time.Minute}
	free, _ := echo(t, c, limits)
	full, st := echo(t, c, limits)
	hello := clientHello(t)
	for i := range halves {
		// All of 127.0.0.0/8 is this host: one source has a quarter of the handshakes at most.
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(i>>8), byte(i))}}
		nc, err := d.Dial("tcp4", full)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if i%2 == 0 {
			if _, err := nc.Write(hello[:len(hello)/2]); err != nil {
				t.Fatal(err)
			}
		}
	}
	transporttest.Eventually(t, "all of them", func() bool { return st.Accepted.Load() == halves })
	// What the machine does besides only adds, and spares one round of each after some.
	before, during := round(t, free), round(t, full)
	slow := func() bool { return during > before*12/10+slack }
	for i := 1; i < 3 || slow() && i < rounds; i++ {
		before, during = min(before, round(t, free)), min(during, round(t, full))
	}
	t.Logf("p99 of a visit: %v alone, %v beside %d half handshakes", before, during, halves)
	if slow() {
		t.Errorf("p99 %v beside half handshakes, %v alone", during, before)
	}
	if n := st.Refused.Load(); n > 0 {
		t.Errorf("%d refused", n)
	}
	if open := st.Accepted.Load() - st.Handshakes.Load(); open != halves {
		t.Errorf("%d handshakes not done, want %d", open, halves)
	}
}

// echo is a listener that sends back what it gets.
func echo(t *testing.T, c transport.Credentials, l transport.Limits) (string, *transport.Stats) {
	t.Helper()
	m, r := node(t, c, l)
	r.Answer(func(f transport.Flow, b []byte) { _ = m.Send(f.Target(), b, 0) })
	return m.Listeners()[0].Addr.String(), m.Stats()[0]
}

// round is the p99 of some visits: a connection, and a message that comes back.
func round(t *testing.T, at string) time.Duration {
	t.Helper()
	var took []time.Duration
	for i := range visits {
		began := time.Now()
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", at,
			&tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(began.Add(10 * time.Second))
		text := transporttest.Text(i, 0)
		if _, err := c.Write(text); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, len(text))); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
		c.Close()
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// clientHello is how a client begins.
func clientHello(t *testing.T) []byte {
	t.Helper()
	ours, theirs := net.Pipe()
	defer theirs.Close()
	go func() {
		_ = tls.Client(ours, &tls.Config{InsecureSkipVerify: true}).Handshake()
		ours.Close()
	}()
	b := make([]byte, 4096)
	n, err := theirs.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}
