package stream

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// script is a connection whose peer sends bytes in pieces of one size, and then hangs up.
type script struct {
	net.Conn
	rest []byte
	step int
}

func (s *script) Read(b []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.rest[:min(s.step, len(s.rest))])
	s.rest = s.rest[n:]
	return n, nil
}

func (s *script) Write(b []byte) (int, error)      { return len(b), nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// play reads a whole script.
func play(b []byte, step int) (*user, transport.Reason) {
	u := &user{}
	l := transport.Limits{Message: 500}.Defaults()
	s := &Socket{
		user: u, env: transport.Env{Stats: new(transport.Stats), Limits: l},
		protocol: Protocol{}.defaults(),
	}
	c := &conn{s: s, nc: &script{rest: b, step: step}}
	reason, _ := c.read()
	c.writer.Wait()
	return u, reason
}

// How the bytes of a stream are cut into packets changes nothing.
func FuzzStream(f *testing.F) {
	all, _ := texts(3, 100)
	f.Add(all, uint8(10))
	f.Add([]byte("\r\n\r\n\r\nINVITE"), uint8(1))
	f.Add(fmt.Appendf(nil, "A B SIP/2.0\r\nl:%d\r\n\r\n", 1<<40), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		u, reason := play(b, len(b)+1)
		v, other := play(b, int(step)+1)
		if reason != other {
			t.Errorf("at once: ended by %s, in pieces of %d: by %s", reason, step+1, other)
		}
		one, two := u.Messages(), v.Messages()
		if len(one) != len(two) {
			t.Fatalf("at once: %d messages, in pieces of %d: %d", len(one), step+1, len(two))
		}
		for i := range one {
			if !bytes.Equal(one[i].Data, two[i].Data) {
				t.Errorf("message %d: %q and %q", i, one[i].Data, two[i].Data)
			}
			var framer sip.Framer
			kind, n, err := framer.Next(one[i].Data, 500)
			if kind != sip.Complete || n != len(one[i].Data) || err != nil {
				t.Errorf("message %d is no message by itself: %v %d %v", i, kind, n, err)
			}
		}
	})
}
