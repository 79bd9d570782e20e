package stream

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// bounded is a pipe that keeps bounds: of what the other end writes, each Write is a message,
// which comes in pieces of a size.
type bounded struct {
	pipe
	size int
	rest *bytes.Reader // of a message that has come
}

func (b *bounded) ReadPart(p []byte) (n int, end bool, err error) {
	if b.rest == nil || b.rest.Len() == 0 {
		whole := make([]byte, 70000)
		n, err := b.Read(whole)
		if err != nil {
			return 0, false, err
		}
		b.rest = bytes.NewReader(whole[:n])
	}
	n, err = b.rest.Read(p[:min(len(p), b.size)])
	return n, b.rest.Len() == 0, err
}

// parts is a peer's connection that keeps bounds: the peer's end.
func (x *fixture) parts(size int) net.Conn {
	ours, theirs := net.Pipe()
	x.l.conns <- &bounded{pipe: pipe{ours, local, remote}, size: size}
	x.t.Cleanup(func() { theirs.Close() })
	synctest.Wait()
	return theirs
}

// Where bounds are kept they are those of the messages, whatever Content-Length says.
func TestBoundsAreKept(t *testing.T) {
	for _, size := range []int{1, 700, 70000} {
		bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
			c := x.parts(size)
			want := [][]byte{
				transporttest.Text(1, 0), []byte("INVITE sip:a SIP/2.0\r\n\r\nno length"),
				transporttest.Text(2, 60000), []byte("x"), transporttest.Text(3, 5000),
			}
			for _, m := range want {
				x.write(c, m)
			}
			x.received(want)
		})
	}
}

func TestBoundsOfWhatIsSent(t *testing.T) {
	bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
		c := x.parts(100)
		x.write(c, transporttest.Text(1, 0))
		back := x.user.Messages()[0].Flow.Target()
		for _, m := range []string{"first", "second", "third"} {
			x.send(back, []byte(m), 1)
		}
		buf := make([]byte, 100)
		for _, want := range []string{"first", "second", "third"} {
			if n, err := c.Read(buf); string(buf[:n]) != want || err != nil {
				t.Errorf("read %q, %v; want %q", buf[:n], err, want)
			}
		}
	})
}

// Pings that nobody waits for the answers of are answered once: two answers together are a ping.
func TestPingsWithBounds(t *testing.T) {
	bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
		c := x.parts(100)
		for range 5 {
			x.write(c, []byte("\r\n\r\n"))
		}
		x.write(c, []byte("\r\n")) // an answer is not answered
		buf := make([]byte, 100)
		for range 2 { // that of the first has left by itself
			if n, err := c.Read(buf); string(buf[:n]) != "\r\n" || err != nil {
				t.Errorf("read %q, %v; want an answer", buf[:n], err)
			}
		}
		if got := collect(c)(); got != "" {
			t.Errorf("then %q", got)
		}
		if n := x.stats.KeepAlives.Load(); n != 5 {
			t.Errorf("%d keep-alives, want 5", n)
		}
		x.open(1)
	})
}

func TestLimitsWithBounds(t *testing.T) {
	l := transport.Limits{Message: 1000, Arrival: 4 * time.Second}
	bubble(t, l, func(t *testing.T, x *fixture) {
		c := x.parts(100)
		_, _ = io.WriteString(c, strings.Repeat("x", 1001))
		x.ended(c, transport.EndedOversized)
		x.received(nil)
	})
}
