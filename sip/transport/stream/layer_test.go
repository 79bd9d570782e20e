//go:build linux && !portable

package stream

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sipedge/sip/transport"
	"sipedge/sip/transport/poll"
	"sipedge/sip/transport/transporttest"
)

// However much room there is for what is read, a connection has no more than its share of a round.
func TestShareOfARound(t *testing.T) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[0])
	defer unix.Close(ends[1])
	if n, err := unix.Write(ends[0], make([]byte, 3*loopBuffer)); n != 3*loopBuffer {
		t.Fatal(n, err)
	}
	l := &layer{sock: poll.Socket(ends[1])}
	for round := range 3 {
		sum := 0
		l.most = loopBuffer
		for {
			n, err := lower{l: l}.Read(make([]byte, loopBuffer*(1+round)))
			sum += n
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if sum != loopBuffer {
			t.Errorf("round %d: %d bytes, want %d", round, sum, loopBuffer)
		}
	}
}

// talker is a connection that, when it has read something, writes until there is no room.
type talker struct {
	net.Conn
	below *struct{ net.Conn }
}

func (k talker) Below() net.Conn  { return k.below.Conn }
func (k talker) Move(to net.Conn) { k.below.Conn = to }
func (k talker) Close() error     { return k.below.Close() }

func (k talker) Read(b []byte) (int, error) {
	n, err := k.below.Read(b)
	for w, looped := k.below.Conn.(lower); looped && n > 0 && err == nil && !w.l.owes(); {
		_, err = w.Write(make([]byte, 1000))
	}
	return n, err
}

// Who does not read what a connection owes him beside messages has as long as for messages.
func TestOwedTooLong(t *testing.T) {
	const bound = 150 * time.Millisecond
	x := newGreeted(t, transport.Limits{Write: bound}, Protocol{},
		func(_ context.Context, nc net.Conn) (net.Conn, error) {
			return talker{nc, &struct{ net.Conn }{nc}}, nil
		})
	c := x.dial()
	begun := time.Now()
	x.write(c, transporttest.Text(0, 0))
	x.until("ended", func() bool { return x.stats.Ended[transport.EndedStalled].Load() == 1 })
	if d := time.Since(begun); d < bound {
		t.Errorf("ended within %s", d)
	}
}
