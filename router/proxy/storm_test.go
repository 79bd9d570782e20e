package proxy

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// A storm is many calls at once over a few goroutines: callers that hang up,
// callees that answer in every way or not at all, look-ups in a pool, time
// that jumps. Routes of one call never run at the same time, every INVITE
// gets its final response, and nothing is left.
type storm struct {
	proxy   *Proxy
	layer   *transaction.Layer
	now     atomic.Int64
	wire    chan packet
	busy    sync.WaitGroup // packets and look-ups under way
	running sync.Map       // Call-ID → *atomic.Int32
	finals  sync.Map       // Call-ID → status
	overlap atomic.Int32
	routes  atomic.Int64
}

type packet struct {
	to transport.Target
	b  []byte
}

func (s *storm) Send(t transport.Target, b []byte, _ uint64) error {
	s.busy.Add(1)
	s.wire <- packet{t, bytes.Clone(b)}
	return nil
}
func (s *storm) Listeners() []transport.Listener {
	return []transport.Listener{
		{Transport: sip.UDP, Addr: netip.MustParseAddrPort("10.0.0.9:5060")},
	}
}
func (s *storm) Choose(sip.Transport, netip.Addr) uint16 { return 0 }

func (s *storm) Cached(
	dst []resolve.Hop, _ resolve.Query,
) ([]resolve.Hop, bool, error) {
	return dst, false, nil
}
func (s *storm) Lookup(context.Context, resolve.Query) ([]resolve.Hop, error) {
	hop := resolve.Hop{Transport: sip.UDP, Addr: netip.MustParseAddrPort("10.0.0.2:5060")}
	return []resolve.Hop{hop, hop}, nil
}
func (s *storm) Go(f func(context.Context)) bool {
	s.busy.Add(1)
	go func() {
		defer s.busy.Done()
		f(context.Background())
	}()
	return true
}

// Run is every route: it looks whether another of its call is at work.
func (s *storm) Waits() bool { return false }

func (s *storm) Run(_ context.Context, j *job.Job) job.Verdict {
	v, _ := s.running.LoadOrStore(string(j.Msg.CallID()), new(atomic.Int32))
	n := v.(*atomic.Int32)
	if n.Add(1) > 1 && j.Place != schema.InBranch { // which runs within a failure route's Relay
		s.overlap.Add(1)
	}
	defer n.Add(-1)
	s.routes.Add(1)
	if j.Place != schema.InFailure || j.Status == 486 {
		return job.Next
	}
	h := Hooks{Failure: s}
	if j.Status == 500 {
		h.To = []byte("sip:gw.example.net")
	}
	return s.proxy.Relay(j, &h)
}

func (s *storm) Request(f transport.Flow, m *sip.Message) {
	if m.Method() == sip.ACK {
		return
	}
	j := job.Get()
	defer job.Put(j)
	j.Place, j.Flow, j.Msg, j.Self = schema.InRequest, f, m, s.proxy.settings.Load().Self
	s.proxy.Append(j, job.Target{URI: []byte("sip:c@gw.example.net")})
	s.proxy.Append(j, job.Target{URI: []byte("sip:d@10.0.0.2")})
	s.proxy.Relay(j, &Hooks{Branch: s, Reply: s, Failure: s})
}
func (s *storm) Cancelled(t transaction.Server, word uint64, m *sip.Message) {
	s.proxy.Cancelled(t, word, m)
}
func (s *storm) Response(
	c transaction.Client, word uint64, f transport.Flow, m *sip.Message, err error,
) {
	s.proxy.Response(c, word, f, m, err)
}
func (s *storm) Stray(f transport.Flow, m *sip.Message)  { s.proxy.Stray(f, m) }
func (s *storm) Ended(t transaction.Server, word uint64) { s.proxy.Ended(t, word) }

func (s *storm) receive(from string, text []byte) {
	m := new(sip.Message)
	if m.Parse(text) != nil {
		panic(string(text))
	}
	f := transport.Flow{Transport: sip.UDP, Remote: netip.MustParseAddrPort(from)}
	if m.IsRequest() {
		m.MarkReceived(f.Remote, false)
	}
	s.layer.Receive(f, m)
}

// peer is what is at the other end of the wire.
func (s *storm) peer(r *rand.Rand, p packet) {
	m := new(sip.Message)
	if m.Parse(p.b) != nil {
		panic(string(p.b))
	}
	if !m.IsRequest() {
		if m.Status() >= 200 && m.Method() == sip.INVITE {
			s.finals.Store(string(m.CallID()), m.Status())
			if m.Status() >= 300 {
				s.receive("10.0.0.1:5060", []byte(request1("ACK", string(m.CallID()))))
			}
		}
		return
	}
	answer := func(status int) {
		s.receive("10.0.0.2:5060", sip.AppendReply(nil, m, status, "", []byte("bb"), nil))
	}
	switch m.Method() {
	case sip.CANCEL:
		answer(200)
		m.SetValue(m.First(sip.CSeq), []byte("1 INVITE"))
		m.Append(sip.Via, []byte("SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK"+string(m.CallID())))
		answer(487)
	case sip.INVITE:
		if r.IntN(2) == 0 {
			answer(180)
		}
		if status := [...]int{0, 180, 200, 302, 404, 486, 500, 503, 600}[r.IntN(9)]; status > 0 {
			answer(status)
		}
	}
}

func request1(method, callID string) string {
	return method + " sip:b@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK" +
		callID + "\r\nMax-Forwards: 70\r\nFrom: <sip:a@x>;tag=aa\r\nTo: <sip:b@x>\r\nCall-ID: " +
		callID + "\r\nCSeq: 1 " + method + "\r\nContent-Length: 0\r\n\r\n"
}

func TestStorm(t *testing.T) {
	const calls, hands = 300, 4
	s := &storm{wire: make(chan packet, 1<<16)}
	clock := func() time.Time { return time.Unix(0, s.now.Load()) }
	s.proxy = New(Config{Sender: s, Resolver: s, Pool: s, Clock: clock})
	s.layer = transaction.New(transaction.Config{Sender: s, User: s, Clock: clock})
	s.proxy.SetLayer(s.layer)
	s.proxy.SetSettings(&Settings{
		Self: job.NewSelf(s.Listeners(), nil, nil), InviteWait: time.Minute, Attempts: 2,
	})
	var peers, callers sync.WaitGroup
	for i := range hands {
		peers.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for p := range s.wire {
				s.peer(r, p)
				s.busy.Done()
			}
		})
		callers.Go(func() {
			r := rand.New(rand.NewPCG(2, uint64(i)))
			for n := range calls / hands {
				id := fmt.Sprintf("%d-%d", i, n)
				s.receive("10.0.0.1:5060", []byte(request1("INVITE", id)))
				if r.IntN(3) == 0 {
					s.receive("10.0.0.1:5060", []byte(request1("CANCEL", id)))
				}
				if r.IntN(8) == 0 {
					s.layer.Advance(time.Unix(0, s.now.Add(int64(2*time.Second))))
				}
			}
		})
	}
	callers.Wait()
	for quiet := 0; quiet < 2; {
		s.busy.Wait()
		next := s.layer.Advance(clock())
		if next.IsZero() {
			quiet++
			continue
		}
		quiet = 0
		s.now.Store(max(next.UnixNano(), s.now.Load()+int64(time.Second)))
	}
	s.busy.Wait()
	close(s.wire)
	peers.Wait()

	answered := 0
	s.finals.Range(func(any, any) bool { answered++; return true })
	if answered != calls {
		t.Errorf("%d of %d calls got a final response", answered, calls)
	}
	if s.overlap.Load() != 0 || s.routes.Load() < calls {
		t.Errorf("%d of %d routes overlapped", s.overlap.Load(), s.routes.Load())
	}
	if n := s.proxy.Stats().LiveContexts; n != 0 {
		t.Errorf("%d contexts left", n)
	}
	if l := s.layer.Stats(); l.LiveClients != 0 || l.LiveServers != 0 {
		t.Errorf("left: %+v", l)
	}
}
