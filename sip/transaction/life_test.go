package transaction

import (
	"bytes"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// A yard is a layer whose Sender throws everything away, and whose clock is
// moved by hand.
type yard struct {
	layer *Layer
	clock atomic.Int64 // since start
	calls atomic.Int64 // of the User
}

var yardStart = time.Unix(1_000_000_000, 0)

func newYard() *yard {
	y := new(yard)
	y.layer = New(Config{Sender: y, User: y, Clock: y.now})
	return y
}

func (y *yard) now() time.Time { return yardStart.Add(time.Duration(y.clock.Load())) }

func (y *yard) pass(d time.Duration) time.Time {
	y.clock.Add(int64(d))
	return y.layer.Advance(y.now())
}

func (y *yard) Send(transport.Target, []byte, uint64) error { return nil }

func (y *yard) Listeners() []transport.Listener { return nil }

func (y *yard) Choose(sip.Transport, netip.Addr) uint16 { return 0 }

func (y *yard) Request(transport.Flow, *sip.Message)                         { y.calls.Add(1) }
func (y *yard) Cancelled(Server, uint64, *sip.Message)                       { y.calls.Add(1) }
func (y *yard) Response(Client, uint64, transport.Flow, *sip.Message, error) { y.calls.Add(1) }
func (y *yard) Stray(transport.Flow, *sip.Message)                           { y.calls.Add(1) }
func (y *yard) Ended(Server, uint64)                                         { y.calls.Add(1) }

// A life is what one goroutine needs to lead transactions through theirs
// without allocating.
type life struct {
	*yard
	flow                     transport.Flow
	target                   transport.Target
	n                        int
	name                     string
	request, response        sip.Message
	in, out, reply, answered []byte
	branch                   []byte
	client                   Client
	mark                     uint32 // of client
	server                   Server
}

func newLife(y *yard, name string) *life {
	remote := netip.MustParseAddrPort("192.0.2.7:5060")
	l := &life{yard: y, name: name, flow: transport.Flow{Transport: sip.UDP, Remote: remote}}
	l.target = l.flow.Target()
	return l
}

// begin accepts a request and sends it on.
func (l *life) begin(t testing.TB, method sip.Method) {
	l.n++
	l.in = l.write(l.in[:0], method, inBranch)
	parse(t, &l.request, l.in)
	l.layer.Receive(l.flow, &l.request)
	var err error
	if l.server, err = l.layer.Accept(l.flow, &l.request, l.target, 1); err != nil {
		t.Fatal(err)
	}
	if l.client, l.branch, err = l.layer.Branch(l.branch[:0], nil); err != nil {
		t.Fatal(err)
	}
	l.out = l.write(l.out[:0], method, l.branch)
	o := Options{Mark: l.mark}
	if err := l.layer.Send(l.client, &l.request, l.target, l.out, o); err != nil {
		t.Fatal(err)
	}
}

// write makes a request that carries branch.
func (l *life) write(b []byte, method sip.Method, branch []byte) []byte {
	b = append(append(b, method.String()...), " sip:bob@example.org SIP/2.0\r\n"...)
	b = append(b, "Via: SIP/2.0/UDP h;branch="...)
	b = append(b, branch...)
	b = append(b, "\r\nFrom: <sip:a@example.org>;tag=a\r\nTo: <sip:b@example.org>\r\nCall-ID: "...)
	b = strconv.AppendInt(append(b, l.name...), int64(l.n), 10)
	b = append(append(b, "\r\nCSeq: 1 "...), method.String()...)
	return append(b, "\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"...)
}

var (
	testTag  = []byte("b")
	inBranch = []byte("z9hG4bKin")
)

// answer takes a response to what was sent on, and answers with it.
func (l *life) answer(t testing.TB, status int) {
	var sent sip.Message
	parse(t, &sent, l.out)
	l.answerFrom(t, &sent, status)
}

func (l *life) answerFrom(t testing.TB, sent *sip.Message, status int) {
	l.answered = sip.AppendReply(l.answered[:0], sent, status, "", testTag, nil)
	parse(t, &l.response, l.answered)
	l.layer.Receive(l.flow, &l.response)
	l.reply = sip.AppendReply(l.reply[:0], &l.request, status, "", testTag, nil)
	_ = l.layer.Reply(l.server, status, l.reply)
}

func TestNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, c := range []struct {
		name     string
		method   sip.Method
		statuses []int
	}{
		{"MESSAGE 200", sip.MESSAGE, []int{200}},
		{"INVITE 180 200", sip.INVITE, []int{100, 180, 200}},
		{"INVITE 180 486", sip.INVITE, []int{100, 180, 486}},
		{"unanswered", sip.OPTIONS, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLife(newYard(), "x")
			var sent, ack sip.Message
			run := func() {
				l.begin(t, c.method)
				parse(t, &sent, l.out)
				l.pass(600 * time.Millisecond)
				for _, status := range c.statuses {
					l.answerFrom(t, &sent, status)
				}
				l.layer.Receive(l.flow, &l.request) // again
				if c.method == sip.INVITE {
					l.out = l.write(l.out[:0], sip.ACK, inBranch)
					parse(t, &ack, l.out)
					l.layer.Receive(l.flow, &ack)
				}
				for next := l.pass(0); !next.IsZero(); next = l.pass(next.Sub(l.now())) {
				}
			}
			for range 200 { // tables and pages of every shard are there
				run()
			}
			if n := testing.AllocsPerRun(200, run); n != 0 {
				t.Errorf("%v allocations a life", n)
			}
			checkLeft(t, l.layer, 0)
		})
	}
}

// Goroutines lead lives while time advances, and others do what they can to
// every handle there is.
func TestConcurrent(t *testing.T) {
	y := newYard()
	type pair struct {
		c Client
		s Server
	}
	handles := make(chan pair, 64)
	stop := make(chan struct{})
	var lives, others sync.WaitGroup
	for g := range 4 {
		lives.Go(func() {
			l := newLife(y, string(rune('a'+g)))
			for n := range 400 {
				method := []sip.Method{sip.INVITE, sip.MESSAGE}[n%2]
				l.begin(t, method)
				select {
				case handles <- pair{l.client, l.server}:
				default:
				}
				if n%5 > 0 {
					l.answer(t, 180)
					l.answer(t, []int{200, 404, 200, 603}[n%4])
				} else {
					_ = l.layer.Drop(l.server)
				}
			}
		})
	}
	others.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case p := <-handles:
				switch n % 5 {
				case 0:
					_ = y.layer.Cancel(p.c, nil)
				case 1:
					y.layer.TransportFailed(p.c.h, nil)
				case 2:
					y.layer.TransportFailed(p.s.h, nil)
				case 3:
					y.layer.Abandon(p.c)
				case 4:
					_ = y.layer.Reply(p.s, 500, []byte("SIP/2.0 500 No\r\n\r\n"))
				}
			}
		}
	})
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				y.pass(20 * time.Millisecond)
				y.layer.Stats()
			}
		}
	})
	lives.Wait()
	close(stop)
	others.Wait()
	for next := y.pass(0); !next.IsZero(); next = y.pass(next.Sub(y.now())) {
	}
	checkLeft(t, y.layer, 0)
	if s := y.layer.Stats(); s.Servers != 1600 || s.Clients != 1600 {
		t.Errorf("%d servers, %d clients, want 1600 of each", s.Servers, s.Clients)
	}
}

// A whole life of a pair: request in, accepted, sent on, final in, answered,
// timers; parsing and building the five messages included. Time passes at the
// pace that keeps so many transactions live.
func BenchmarkLife(b *testing.B) {
	for _, live := range []int{100, 10_000, 200_000} {
		b.Run(strconv.Itoa(live), func(b *testing.B) {
			l := newLife(newYard(), "b")
			var sent sip.Message
			pace := int64(37*time.Second) / int64(live)
			lead := func() {
				l.begin(b, sip.MESSAGE)
				parse(b, &sent, l.out)
				l.answerFrom(b, &sent, 200)
				if was := l.clock.Load(); (was+pace)/int64(resolution) > was/int64(resolution) {
					l.pass(time.Duration(pace))
				} else {
					l.clock.Add(pace)
				}
			}
			for range live {
				lead()
			}
			b.ReportAllocs()
			for b.Loop() {
				lead()
			}
		})
	}
}

// A request that was answered comes again: found among 200,000 and answered again.
func BenchmarkRetransmission(b *testing.B) {
	const live = 200_000
	l := newLife(newYard(), "b")
	var sent sip.Message
	again := make([]sip.Message, 1000)
	for n := range live {
		l.begin(b, sip.MESSAGE)
		parse(b, &sent, l.out)
		l.answerFrom(b, &sent, 200)
		if n%(live/len(again)) == 0 {
			parse(b, &again[n/(live/len(again))], bytes.Clone(l.in))
		}
	}
	calls := l.calls.Load()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		l.layer.Receive(l.flow, &again[n*7919%len(again)])
	}
	if n := l.calls.Load() - calls; n > 0 {
		b.Errorf("%d retransmissions reached the user", n)
	}
}
