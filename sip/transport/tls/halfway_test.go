package tls

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

const (
	halves = 1000
	visits = 100
	// stall is shorter than anything that waits for a half handshake, and long for a machine that
	// is in use.
	stall = 5 * time.Second
)

// A thousand peers that say nothing, or half a ClientHello, beside one that is well: his
// handshakes and messages wait for none of theirs.
func TestHalfHandshakesBesideAGoodOne(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	c := store(t, map[string]Files{"edge": one(ca, "edge", None, "edge.example")}).Credentials("edge")
	at, st := echo(t, c, transport.Limits{Handshakes: 2 * halves, Handshake: time.Minute})
	hello := clientHello(t)
	for i := range halves {
		// All of 127.0.0.0/8 is this host: one source has a quarter of the handshakes at most.
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(i>>8), byte(i))}}
		nc, err := d.Dial("tcp4", at)
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
	for i := range visits {
		visit(t, at, i)
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

// visit is a connection, and a message that comes back.
func visit(t *testing.T, at string, i int) {
	t.Helper()
	began := time.Now()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: stall}, "tcp", at,
		&tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(began.Add(stall))
	text := transporttest.Text(i, 0)
	if _, err := c.Write(text); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, len(text))); err != nil {
		t.Fatal(err)
	}
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
