//go:build linux && !portable

package stream

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"sipedge/sip/transport/poll"
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
