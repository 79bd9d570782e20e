package main

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/backends/backendtest"
)

// outages are what happens to a database, each with its end.
var outages = []struct {
	name       string
	begin, end func(t *testing.T, s *backendtest.Server)
}{
	{"stopped", func(t *testing.T, s *backendtest.Server) { s.Stop(t) },
		func(t *testing.T, s *backendtest.Server) { s.Start(t) }},
	{"paused", func(t *testing.T, s *backendtest.Server) { s.Pause(t) },
		func(t *testing.T, s *backendtest.Server) { s.Resume(t) }},
	{"slow", func(_ *testing.T, s *backendtest.Server) { s.Slow(5 * time.Second) },
		func(_ *testing.T, s *backendtest.Server) { s.Slow(0) }},
}

// Whatever becomes of the database, calls between known users go on as before; REGISTER is
// answered 503 in write_through and 200 in write_back; soon after it all is as it was.
func TestOutage(t *testing.T) {
	before, lasts := time.Second, 5*time.Second
	if soaking() {
		before, lasts = 20*time.Second, 60*time.Second
	}
	for _, persist := range []string{"write_through", "write_back"} {
		t.Run(persist, func(t *testing.T) {
			server := backendtest.Postgres(t)
			o := newOutage(t, persist, server)
			for i, out := range outages {
				calm := o.phase(t, before)
				if calm.failed > 0 || calm.answers[200] == 0 || len(calm.answers) != 1 {
					t.Fatalf("before: %d calls failed, REGISTER %v", calm.failed, calm.answers)
				}
				out.begin(t, server)
				storm := o.phase(t, lasts)
				out.end(t, server)
				back := o.recovers(t)
				t.Logf("%s for %v: %d calls, %d failed; p50 %v, p99 %v, before %v, %v; REGISTER %v, "+
					"before %v; back within %v", out.name, lasts, storm.calls, storm.failed, storm.p50,
					storm.p99, calm.p50, calm.p99, storm.answers, calm.answers, back)
				o.check(t, calm, storm, back)
				gone := strings.Count(o.s.lines(), "backend can't answer")
				again := strings.Count(o.s.lines(), "backend answers again")
				// write_back asks too seldom for it to be seen.
				if persist == "write_through" && (gone != i+1 || again != i+1) {
					t.Errorf("%s: by the log it was gone %d times and back %d, want %d", out.name, gone,
						again, i+1)
				}
			}
			if lost := o.clients.verify(o.at); lost > 0 {
				t.Errorf("%d clients are not what was acknowledged", lost)
			}
		})
	}
}

// outage is a server, its database, and those who use it.
type outage struct {
	s       *server
	at      netip.AddrPort
	persist string
	clients *clients
	callers *callers
}

func newOutage(t *testing.T, persist string, server *backendtest.Server) *outage {
	t.Helper()
	db := postgresAt(server.PostgresDSN())
	sipedge(t, "", "db", "init", "--db", db.url)
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t))
	o := &outage{
		s:       startServer(t, registrarAt(at, persist, db), "--state", t.TempDir()),
		at:      at,
		persist: persist, clients: newClients(t, 600), callers: newCallers(t),
	}
	callee := newClients(t, 1)
	await(t, 10*time.Second, func() (string, bool) {
		fmt.Fprintf(writerTo{callee.conn, at}, "REGISTER sip:example.net SIP/2.0\r\n"+
			"Via: SIP/2.0/UDP %s;branch=z9hG4bKcallee\r\nMax-Forwards: 70\r\n"+
			"From: <sip:callee@example.net>;tag=1\r\nTo: <sip:callee@example.net>\r\n"+
			"Call-ID: callee\r\nCSeq: 1 REGISTER\r\nContact: <%s>;expires=7200\r\n"+
			"Content-Length: 0\r\n\r\n", callee.conn.LocalAddr(), o.callers.contact())
		time.Sleep(100 * time.Millisecond)
		n := o.s.metric("sipedge_bindings")
		return fmt.Sprintf("%v bindings", n), n == 1
	})
	return o
}

// measured is what there was in a phase.
type measured struct {
	calls, failed int
	p50, p99      time.Duration
	answers       map[int]int // to REGISTER
	retries       int         // of them with Retry-After
}

const callRate, registerRate = 100, 100

// phase has calls and registrations for a while, and waits for answers to them.
func (o *outage) phase(t *testing.T, lasts time.Duration) (m measured) {
	t.Helper()
	o.clients.settle()
	first := o.callers.len()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { o.callers.run(o.at, callRate, stop) })
	wg.Go(func() { o.clients.run(o.at, registerRate, stop) })
	time.Sleep(lasts)
	close(stop)
	wg.Wait()
	m.calls = o.callers.len() - first
	await(t, answers+time.Second, func() (string, bool) {
		o.callers.again(o.at)
		took, failed := o.callers.since(first)
		m.failed = failed
		m.p50, m.p99 = spread(took)
		return fmt.Sprintf("%d of %d calls have an answer", len(took)+failed, m.calls),
			len(took)+failed >= m.calls
	})
	await(t, answers, func() (string, bool) {
		n := o.clients.waiting()
		return fmt.Sprintf("%d REGISTERs have no answer", n), n == 0
	})
	m.answers = o.clients.count()
	o.clients.mu.Lock()
	m.retries = o.clients.retries
	o.clients.mu.Unlock()
	return m
}

// recovers returns when REGISTER is answered 200 again and nothing waits for the database.
func (o *outage) recovers(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	await(t, 60*time.Second, func() (string, bool) {
		o.clients.settle()
		o.clients.mu.Lock()
		o.clients.send(o.at, 0, "0.5")
		o.clients.mu.Unlock()
		time.Sleep(100 * time.Millisecond)
		waits := 0.0
		if o.persist == "write_back" {
			waits = o.s.metric("sipedge_backlog_waiting")
		}
		got := o.clients.count()
		return fmt.Sprintf("REGISTER %v, %v wait", got, waits), got[200] == 1 && waits == 0
	})
	return time.Since(began).Round(time.Millisecond)
}

func (o *outage) check(t *testing.T, calm, storm measured, back time.Duration) {
	t.Helper()
	if storm.failed > 0 {
		t.Errorf("%d of %d calls failed: %v", storm.failed, storm.calls, o.callers.failed)
	}
	total := 0
	for _, n := range storm.answers {
		total += n
	}
	switch o.persist {
	case "write_back":
		if storm.answers[200] != total {
			t.Errorf("REGISTER was answered %v, want 200 alone", storm.answers)
		}
	case "write_through":
		// One may have been on its way.
		if storm.answers[503] < total-10 || storm.retries != storm.answers[503] {
			t.Errorf("REGISTER was answered %v, %d with Retry-After, want 503", storm.answers,
				storm.retries)
		}
	}
	if !soaking() {
		return
	}
	const noise = 200 * time.Microsecond // of what else runs here
	if storm.p50 > calm.p50*6/5+noise || storm.p99 > calm.p99*6/5+10*noise {
		t.Errorf("calls took %v, %v; before %v, %v", storm.p50, storm.p99, calm.p50, calm.p99)
	}
	if back > 5*time.Second {
		t.Errorf("back to normal after %v", back)
	}
}
