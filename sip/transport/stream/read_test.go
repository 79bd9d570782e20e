package stream

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

func texts(count, size int) (all []byte, each [][]byte) {
	for i := range count {
		m := transporttest.Text(i, size*i)
		each = append(each, m)
		all = append(all, m...)
	}
	return all, each
}

func (x *fixture) received(want [][]byte) {
	x.t.Helper()
	synctest.Wait()
	got := x.user.Messages()
	if len(got) != len(want) {
		x.t.Fatalf("%d messages, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i].Data, want[i]) {
			x.t.Errorf("message %d: %q, want %q", i, got[i].Data, want[i])
		}
	}
}

func TestMessagesHoweverTheyArrive(t *testing.T) {
	all, each := texts(5, 700)
	rng := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func() int{
		"byte by byte":  func() int { return 1 },
		"all at once":   func() int { return len(all) },
		"seven bytes":   func() int { return 7 },
		"random pieces": func() int { return 1 + rng.IntN(900) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
				c := x.connect(remote)
				for rest := all; len(rest) > 0; {
					n := min(next(), len(rest))
					x.write(c, rest[:n])
					rest = rest[n:]
				}
				x.received(each)
				f := x.user.Messages()[0].Flow
				want := transport.Flow{
					Transport: sip.TCP, Listener: 3, Conn: 1, Local: local, Remote: remote,
				}
				if f != want {
					t.Errorf("flow %+v, want %+v", f, want)
				}
			})
		})
	}
}

func TestLargeMessagesAmongSmall(t *testing.T) {
	bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
		c := x.connect(remote)
		var want [][]byte
		for i, size := range []int{0, 65000, 0, 20000, 3000, 65300, 0} {
			m := transporttest.Text(i, size)
			want = append(want, m)
			x.write(c, m)
		}
		x.received(want)
	})
}

func TestKeepAlive(t *testing.T) {
	for _, test := range []struct {
		name   string
		pieces []string
		want   string
	}{
		{"ping", []string{"\r\n\r\n"}, "\r\n"},
		{"ping in two pieces", []string{"\r\n", "\r\n"}, "\r\n"},
		{"ping byte by byte", []string{"\r", "\n", "\r", "\n"}, "\r\n"},
		{"two pings", []string{"\r\n\r\n\r\n\r\n"}, "\r\n\r\n"},
		{"pong", []string{"\r\n"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
				c := x.connect(remote)
				got := collect(c)
				for _, p := range test.pieces {
					x.write(c, []byte(p))
				}
				if got() != test.want {
					t.Errorf("answered %q, want %q", got(), test.want)
				}
				// What follows is framed as if nothing had been.
				m := transporttest.Text(1, 0)
				x.write(c, m)
				x.received([][]byte{m})
				if n := x.stats.MessagesOut.Load(); n != 0 {
					t.Errorf("%d messages out counted, want 0", n)
				}
			})
		})
	}
}

func TestSlowMessage(t *testing.T) {
	m := transporttest.Text(1, 0)
	for name, trickle := range map[string][]byte{
		"header":              m,
		"behind half an end":  []byte("\r" + strings.Repeat("X", 100)),
		"behind an empty one": append([]byte("\r\n\r\n"), m...),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, transport.Limits{Arrival: 4 * time.Second}, func(t *testing.T, x *fixture) {
				c := x.connect(remote)
				collect(c)
				time.Sleep(time.Minute) // before its first byte nothing is slow
				begin := time.Now()
				for _, b := range trickle {
					if _, err := c.Write([]byte{b}); err != nil {
						break
					}
					time.Sleep(100 * time.Millisecond)
				}
				x.ended(c, transport.EndedSlow)
				if d := time.Since(begin); d < 4*time.Second || d > 5*time.Second {
					t.Errorf("ended after %v, want 4s", d)
				}
			})
		})
	}
}

func TestArrivalIsOfOneMessage(t *testing.T) {
	bubble(t, transport.Limits{Arrival: 4 * time.Second}, func(t *testing.T, x *fixture) {
		c := x.connect(remote)
		var want [][]byte
		for i := range 5 { // each takes 3 s, and ends with the beginning of the next
			m := transporttest.Text(i, 0)
			want = append(want, m)
			if i == 0 {
				x.write(c, m[:10])
			}
			time.Sleep(3 * time.Second)
			x.write(c, append(m[10:len(m):len(m)], transporttest.Text(i+1, 0)[:10]...))
		}
		x.received(want)
		x.open(1)
	})
}

func TestIdle(t *testing.T) {
	l := transport.Limits{Idle: 10 * time.Minute}
	bubble(t, l, func(t *testing.T, x *fixture) {
		c := x.connect(remote)
		collect(c)
		time.Sleep(9 * time.Minute)
		x.write(c, transporttest.Text(1, 0)) // reading counts
		time.Sleep(9 * time.Minute)
		x.send(x.user.Messages()[0].Flow.Target(), []byte("x"), 0) // writing counts
		time.Sleep(9*time.Minute + 59*time.Second)
		x.open(1)
		time.Sleep(2 * time.Second)
		x.open(0)
		x.ended(c, transport.EndedIdle)
	})
}

// Who is held is not idle, as long as that lasts; he is asked for a few times only.
func TestHeld(t *testing.T) {
	l := transport.Limits{Idle: 16 * time.Minute}
	bubble(t, l, func(t *testing.T, x *fixture) {
		x.user.holds.Store(1)
		c, other := x.connect(remote), x.connect(netip.AddrPortFrom(remote.Addr(), 1))
		collect(c)
		collect(other)
		time.Sleep(15 * time.Minute)
		x.write(c, []byte("\r\n\r\n"))
		x.write(other, []byte("\r\n\r\n"))
		time.Sleep(15*time.Minute + 59*time.Second)
		if n := x.user.asked.Load(); n != 0 {
			t.Errorf("asked %d times before anybody was idle", n)
		}
		time.Sleep(2 * time.Second)
		x.open(1)
		time.Sleep(10 * time.Hour)
		x.open(1)
		if n := x.user.asked.Load(); n < 10*60 || n > 10*60+10 {
			t.Errorf("asked %d times in 10 h, want once in a minute", n)
		}
		x.user.holds.Store(0)
		x.write(c, []byte("\r\n\r\n")) // Limits.Idle holds again
		time.Sleep(15*time.Minute + 59*time.Second)
		x.open(1)
		time.Sleep(2 * time.Second)
		x.open(0)
		if n := x.stats.Ended[transport.EndedIdle].Load(); n != 2 {
			t.Errorf("%d ended since they were idle, want both", n)
		}
	})
}

// That a connection is no longer held is known soon.
func TestHeldNoLonger(t *testing.T) {
	bubble(t, transport.Limits{Idle: 16 * time.Minute}, func(t *testing.T, x *fixture) {
		x.user.holds.Store(1)
		c := x.connect(remote)
		collect(c)
		time.Sleep(time.Hour + 30*time.Second)
		x.open(1)
		x.user.holds.Store(0)
		time.Sleep(time.Minute)
		x.ended(c, transport.EndedIdle)
	})
}

func TestUnframed(t *testing.T) {
	const head = "INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/TCP b\r\n"
	var malformed *sip.ParseError
	for _, test := range []struct {
		name, text, header string
		reason             transport.Reason
		check              func(err error) bool
	}{
		{
			"too large", head + "Content-Length: 70000\r\n\r\nbody",
			head + "Content-Length: 70000\r\n\r\n", transport.EndedOversized,
			func(err error) bool { return errors.Is(err, transport.ErrTooLarge) },
		}, {
			"negative", head + "Content-Length: -1\r\n\r\nbody",
			head + "Content-Length: -1\r\n\r\n", transport.EndedFraming,
			func(err error) bool { return errors.As(err, &malformed) && malformed.Status == 400 },
		}, {
			"no length", head + "\r\n", head + "\r\n", transport.EndedFraming,
			func(err error) bool { return errors.As(err, &malformed) && malformed.Status == 400 },
		}, {
			"endless header", head + strings.Repeat("X: y\r\n", 20000), "",
			transport.EndedOversized, nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
				var header string
				var cause error
				x.user.unframed = func(f transport.Flow, h []byte, err error) {
					header, cause = string(h), err
					x.send(f.Target(), []byte("SIP/2.0 513 no"), 0)
				}
				c := x.connect(remote)
				got := collect(c)
				_, _ = c.Write([]byte(test.text)) // it may be closed before the end
				x.ended(c, test.reason)
				if header != test.header {
					t.Errorf("header %q, want %q", header, test.header)
				}
				if test.check == nil {
					return
				}
				if !test.check(cause) {
					t.Errorf("error %v", cause)
				}
				if got() != "SIP/2.0 513 no" {
					t.Errorf("the peer got %q", got())
				}
			})
		})
	}
}

// What speaks no SIP is not answered, nor kept until the time for a message has run out.
func TestGarbage(t *testing.T) {
	for name, text := range map[string]string{
		"HTTP":                    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"HTTP, one line":          "GET / HTTP/1.1\r\n",
		"behind a message":        "rest of a body\r\n",
		"with a length":           "rest of a body\r\nContent-Length: 0\r\n\r\n",
		"a message without start": "\r\nVia: SIP/2.0/TCP b\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
				x.user.unframed = func(_ transport.Flow, h []byte, _ error) {
					t.Errorf("header section %q, want none", h)
				}
				c := x.connect(remote)
				got := collect(c)
				first := transporttest.Text(1, 0)
				x.write(c, first)
				begin := time.Now()
				x.write(c, []byte(text))
				x.ended(c, transport.EndedFraming)
				if d := time.Since(begin); d != 0 {
					t.Errorf("ended after %v, want at once", d)
				}
				x.received([][]byte{first})
				if got() != "" {
					t.Errorf("the peer got %q", got())
				}
			})
		})
	}
}

func TestPeerHangsUp(t *testing.T) {
	bubble(t, transport.Limits{}, func(t *testing.T, x *fixture) {
		c := x.connect(remote)
		x.write(c, transporttest.Text(1, 0)[:50])
		c.Close()
		x.ended(c, transport.EndedByPeer)
		x.received(nil)
		f := x.user.Ends()[0]
		tg := f.Target()
		tg.NoDial = true
		if err := x.s.Send(tg, []byte("x"), 1); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("send after the end: %v, want ErrClosed", err)
		}
	})
}
