package resolve

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"sipedge/sip/transport/porttest"
)

const a1 = "a.example. 60 IN A 192.0.2.1"

func TestDeadServerIsAskedOnce(t *testing.T) {
	s := serve(t, map[string][]string{
		"a.example A": {a1}, "b.example A": {"b.example. 60 IN A 192.0.2.2"},
	})
	dead := serve(t, nil)
	dead.on(func(dns.ResponseWriter, *dns.Msg) bool { return true })
	r, _ := resolver(t, Config{
		// The other one has that long, too.
		Families: IPv4Only, Try: 250 * time.Millisecond,
		Servers: []netip.AddrPort{dead.addr},
	}, s)
	got, err := r.Lookup(context.Background(), Query{Host: "a.example"})
	want(t, got, err, "udp 192.0.2.1:5060")
	if dead.count("") == 0 || r.Stats().Lost.Load() == 0 {
		t.Error("nothing was lost: the dead server was not asked")
	}
	got, err = r.Lookup(context.Background(), Query{Host: "b.example"})
	want(t, got, err, "udp 192.0.2.2:5060")
	if dead.knows("b.example") {
		t.Error("the dead server was asked again")
	}
}

func TestServerThatFailsIsPassedOver(t *testing.T) {
	for _, rcode := range []int{dns.RcodeServerFailure, dns.RcodeRefused} {
		bad, good := serve(t, nil), serve(t, map[string][]string{"a.example A": {a1}})
		bad.on(func(w dns.ResponseWriter, m *dns.Msg) bool {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(m, rcode))
			return true
		})
		both, _ := resolver(t, Config{Families: IPv4Only}, bad, good)
		got, err := both.Lookup(context.Background(), Query{Host: "a.example"})
		want(t, got, err, "udp 192.0.2.1:5060")

		r, ck := resolver(t, Config{Families: IPv4Only}, bad)
		if _, err := r.Lookup(context.Background(), Query{Host: "a.example"}); err != ErrServers {
			t.Errorf("only that server: %v, want ErrServers", err)
		}
		// A failure is remembered, but not for long.
		if _, ok, err := r.Cached(nil, Query{Host: "a.example"}); !ok || err != ErrServers {
			t.Errorf("right after: %v %v, want ErrServers", ok, err)
		}
		ck.move(failureTTL)
		if _, ok, _ := r.Cached(nil, Query{Host: "a.example"}); ok {
			t.Error("a second after: still failed")
		}
	}
}

func TestBudget(t *testing.T) {
	r, _ := resolver(t, Config{
		Budget: 100 * time.Millisecond, Try: time.Hour,
		Servers: []netip.AddrPort{deaf(t)},
	})
	begin := time.Now()
	_, err := r.Lookup(context.Background(), Query{Host: "a.example"})
	if !errors.Is(err, ErrBudget) {
		t.Errorf("error %v, want ErrBudget", err)
	}
	if d := time.Since(begin); d < 100*time.Millisecond || d > time.Minute {
		t.Errorf("took %v, want about 100ms", d)
	}
	// Numbers and what is known never wait.
	got, ok, err := r.Cached(nil, Query{Host: "192.0.2.1"})
	if !ok {
		t.Error("literal: not answered")
	}
	want(t, got, err, "udp 192.0.2.1:5060")
}

func TestCallerGivesUp(t *testing.T) {
	r, _ := resolver(t, Config{
		Budget: time.Hour, Try: time.Hour, Servers: []netip.AddrPort{deaf(t)},
	})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := r.Lookup(ctx, Query{Host: "a.example"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if _, ok, _ := r.Cached(nil, Query{Host: "a.example"}); ok {
		t.Error("what the caller gave up is cached")
	}
}

func TestOneFamilyNeverAnswers(t *testing.T) {
	s := serve(t, map[string][]string{"a.example A": {a1}})
	s.on(func(_ dns.ResponseWriter, m *dns.Msg) bool {
		return m.Question[0].Qtype == dns.TypeAAAA // dropped
	})
	r, ck := resolver(t, Config{Try: 100 * time.Millisecond, Budget: time.Hour}, s)
	got, err := r.Lookup(context.Background(), Query{Host: "a.example"})
	want(t, got, err, "udp 192.0.2.1:5060")
	ck.move(failureTTL)
	if _, ok, _ := r.Cached(nil, Query{Host: "a.example"}); ok {
		t.Error("half an answer is kept as long as a whole one")
	}
}

func TestLookupsOfOneNameAreOne(t *testing.T) {
	s := serve(t, map[string][]string{"a.example A": {a1}})
	release := make(chan struct{})
	s.on(func(dns.ResponseWriter, *dns.Msg) bool { <-release; return false })
	r, _ := resolver(t, Config{Families: IPv4Only}, s)
	const callers = 20
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			got, err := r.Lookup(context.Background(), Query{Host: "a.example"})
			want(t, got, err, "udp 192.0.2.1:5060")
		})
	}
	for r.Stats().Shared.Load() < callers-1 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	all.Wait()
	if n := s.count("a.example A"); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}

// A panic of the one who asks takes nobody along who waits.
func TestPanicFreesThoseWhoWait(t *testing.T) {
	s := serve(t, map[string][]string{"a.example A": {a1}})
	release := make(chan struct{})
	s.on(func(dns.ResponseWriter, *dns.Msg) bool { <-release; return false })
	r, ck := resolver(t, Config{Families: IPv4Only}, s)
	var broken atomic.Bool
	r.cfg.Clock = func() time.Time {
		if broken.Swap(false) {
			panic("clock")
		}
		return ck.Now()
	}
	var all sync.WaitGroup
	all.Go(func() {
		defer func() {
			if recover() == nil {
				t.Error("the leader did not panic")
			}
		}()
		_, _ = r.Lookup(context.Background(), Query{Host: "a.example"})
	})
	for s.count("") == 0 {
		time.Sleep(time.Millisecond)
	}
	all.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		got, err := r.Lookup(ctx, Query{Host: "a.example"})
		want(t, got, err, "udp 192.0.2.1:5060") // it was known before the panic
	})
	for r.Stats().Shared.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	broken.Store(true)
	close(release)
	all.Wait()
}

// The one who asks gives up; those who waited for the answer still get one.
func TestWaitersOutliveTheLeader(t *testing.T) {
	s := serve(t, map[string][]string{"a.example A": {a1}})
	release := make(chan struct{})
	s.on(func(dns.ResponseWriter, *dns.Msg) bool { <-release; return false })
	r, _ := resolver(t, Config{Families: IPv4Only}, s)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := r.Lookup(ctx, Query{Host: "a.example"}); !errors.Is(err, context.Canceled) {
			t.Errorf("leader: %v, want context.Canceled", err)
		}
	})
	for s.count("") == 0 {
		time.Sleep(time.Millisecond)
	}
	all.Go(func() {
		got, err := r.Lookup(context.Background(), Query{Host: "a.example"})
		want(t, got, err, "udp 192.0.2.1:5060")
	})
	for r.Stats().Shared.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	for s.count("") < 2 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	all.Wait()
}

func TestForgedAnswersAreNotBelieved(t *testing.T) {
	for name, forge := range map[string]func(m *dns.Msg){
		"another id":       func(m *dns.Msg) { m.Id++ },
		"another question": func(m *dns.Msg) { m.Question[0].Name = "b.example." },
		"another type":     func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeMX },
		"a query":          func(m *dns.Msg) { m.Response = false },
		"foreign records":  func(m *dns.Msg) { m.Answer[0].Header().Name = "b.example." },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil)
			s.on(func(w dns.ResponseWriter, m *dns.Msg) bool {
				reply := new(dns.Msg).SetReply(m)
				rr, _ := dns.NewRR(a1)
				reply.Answer = append(reply.Answer, rr)
				forge(reply)
				_ = w.WriteMsg(reply)
				return true
			})
			r, _ := resolver(t, Config{
				Families: IPv4Only, Try: 30 * time.Millisecond, Budget: 200 * time.Millisecond,
			}, s)
			if got, err := r.Lookup(context.Background(), Query{Host: "a.example"}); err == nil {
				t.Errorf("got %v, want an error", hops(got))
			}
		})
	}
}

// TestReach: a server that says anything is there.
func TestReach(t *testing.T) {
	s := serve(t, nil)
	silent := serve(t, nil)
	silent.on(func(dns.ResponseWriter, *dns.Msg) bool { return true })
	gone := porttest.Free(t)
	patient, _ := resolver(t, Config{}, s)
	r, _ := resolver(t, Config{Try: 20 * time.Millisecond}, silent)
	s.on(func(w dns.ResponseWriter, m *dns.Msg) bool {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(m, dns.RcodeRefused))
		return true
	})
	ctx := context.Background()
	if err := patient.Reach(ctx, s.addr); err != nil {
		t.Errorf("one that refuses: %v", err)
	}
	for name, server := range map[string]netip.AddrPort{"silent": silent.addr, "gone": gone} {
		if err := r.Reach(ctx, server); !errors.Is(err, ErrServers) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// It may not have read the last question when nobody waits for its answer any more.
	for end := time.Now().Add(10 * time.Second); silent.count(" NS") < rounds; {
		if time.Sleep(time.Millisecond); time.Now().After(end) {
			break
		}
	}
	if n := silent.count(" NS"); n != rounds {
		t.Errorf("the silent one was asked %d times", n)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := r.Reach(ended, silent.addr); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: got %v", err)
	}
}
