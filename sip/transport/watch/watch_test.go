//go:build linux

package watch

import (
	"net"
	"syscall"
	"testing"
	"time"
)

// pair is a connection with two ends.
func pair(t *testing.T) (ours, theirs *net.TCPConn, raw syscall.RawConn) {
	t.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if theirs, err = net.DialTCP("tcp4", nil, l.Addr().(*net.TCPAddr)); err != nil {
		t.Fatal(err)
	}
	if ours, err = l.AcceptTCP(); err != nil {
		t.Fatal(err)
	}
	if raw, err = ours.SyscallConn(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return ours, theirs, raw
}

// started is a Set that runs: what it tells of, and its ticks.
func started(t *testing.T, every time.Duration) (s *Set, told chan uint64, ticks chan struct{}) {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	told, ticks = make(chan uint64, 1000), make(chan struct{}, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(every, func(id uint64) {
			select {
			case told <- id:
			default:
			}
		}, func() {
			select {
			case ticks <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return s, told, ticks
}

const id = 7<<40 | 0xFFFFFFF1 // both halves, and what would be negative

func TestReadable(t *testing.T) {
	s, told, _ := started(t, time.Hour)
	_, theirs, raw := pair(t)
	if err := s.Add(raw, id); err != nil {
		t.Fatal(err)
	}
	select {
	case <-told:
		t.Fatal("told of a socket that has nothing")
	case <-time.After(20 * time.Millisecond):
	}
	if _, err := theirs.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := <-told; got != id {
		t.Errorf("told of %x, want %x", got, uint64(id))
	}
	if err := s.Remove(raw); err != nil {
		t.Error(err)
	}
}

// What was there before it was added counts; and so does the end of the connection.
func TestReadableAlready(t *testing.T) {
	for name, send := range map[string]func(*net.TCPConn) error{
		"a byte":  func(c *net.TCPConn) error { _, err := c.Write([]byte("x")); return err },
		"its end": func(c *net.TCPConn) error { return c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s, told, _ := started(t, time.Hour)
			ours, theirs, raw := pair(t)
			if err := send(theirs); err != nil {
				t.Fatal(err)
			}
			_ = ours.SetReadDeadline(time.Now().Add(-time.Second)) // of the runtime alone
			if err := s.Add(raw, id); err != nil {
				t.Fatal(err)
			}
			if got := <-told; got != id {
				t.Errorf("told of %x, want %x", got, uint64(id))
			}
		})
	}
}

func TestClosedSocket(t *testing.T) {
	s, _, _ := started(t, time.Hour)
	ours, _, raw := pair(t)
	ours.Close()
	if err := s.Add(raw, id); err == nil {
		t.Error("a closed socket is watched")
	}
}

func TestTicks(t *testing.T) {
	_, _, ticks := started(t, time.Millisecond)
	for range 3 {
		<-ticks
	}
}
