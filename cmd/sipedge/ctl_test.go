package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"sipedge/cmd/sipedge/internal/control"
)

// phones register one after the other, again and again, at a rate. They send again what is not
// answered within T1: UDP may lose it.
type phones struct {
	t    *testing.T
	conn *net.UDPConn

	mu       sync.Mutex
	sent     map[int]attempt // by CSeq, what is not answered yet
	count    int
	answered int
	slowest  time.Duration // since take
}

// attempt is when a REGISTER was sent, first and last.
type attempt struct{ first, last time.Time }

func startPhones(t *testing.T, to netip.AddrPort) *phones {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadBuffer(4 << 20)
	p := &phones{t: t, conn: conn, sent: map[int]attempt{}}
	var work sync.WaitGroup
	ended := make(chan struct{})
	work.Go(p.read)
	work.Go(func() { p.again(ended) })
	t.Cleanup(func() { close(ended); conn.Close(); work.Wait() })
	return p
}

// phoneCount is how many phones there are.
const phoneCount = 10_000

// register has the next phone register.
func (p *phones) register() {
	p.mu.Lock()
	n := p.count
	p.count++
	now := time.Now()
	p.sent[n] = attempt{now, now}
	p.mu.Unlock()
	p.send(n)
}

// again sends what is not answered, until ended is closed.
func (p *phones) again(ended <-chan struct{}) {
	tick := time.NewTicker(resend / 5)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case now := <-tick.C:
			for _, n := range p.late(now) {
				p.send(n)
			}
		}
	}
}

// late are those that are to be sent again at a time, which is noted.
func (p *phones) late(now time.Time) (list []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n, a := range p.sent {
		if now.Sub(a.last) >= resend {
			list = append(list, n)
			p.sent[n] = attempt{a.first, now}
		}
	}
	return list
}

func (p *phones) send(n int) {
	fmt.Fprintf(p.conn, "REGISTER sip:example.net SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d\r\n"+
		"Max-Forwards: 70\r\nFrom: <sip:u%[3]d@example.net>;tag=1\r\nTo: <sip:u%[3]d@example.net>\r\n"+
		"Call-ID: c%[3]d\r\nCSeq: %[2]d REGISTER\r\nContact: <sip:u%[3]d@192.0.2.7:5060>\r\n"+
		"User-Agent: test\r\nContent-Length: 0\r\n\r\n", p.conn.LocalAddr(), n, n%phoneCount)
}

var answeredCSeq = regexp.MustCompile(`(?s)^SIP/2.0 200 .*\r\nCSeq: ([0-9]+) `)

func (p *phones) read() {
	b := make([]byte, 4096)
	for {
		n, err := p.conn.Read(b)
		if err != nil {
			return
		}
		m := answeredCSeq.FindSubmatch(b[:n])
		if m == nil {
			p.t.Errorf("a registration was answered\n%s", b[:n])
			continue
		}
		cseq, _ := strconv.Atoi(string(m[1]))
		p.mu.Lock()
		if a, ok := p.sent[cseq]; ok {
			delete(p.sent, cseq)
			p.answered++
			p.slowest = max(p.slowest, time.Since(a.first))
		}
		p.mu.Unlock()
	}
}

// all has every phone register, and waits for that.
func (p *phones) all() {
	p.t.Helper()
	for range phoneCount {
		p.register()
		for p.waiting() > 200 {
			time.Sleep(time.Millisecond)
		}
	}
	await(p.t, 30*time.Second, func() (string, bool) {
		n := p.waiting()
		return fmt.Sprintf("%d registrations are not answered", n), n == 0
	})
}

func (p *phones) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent)
}

// at has a phone register rate times a second until ctx ends.
func (p *phones) at(ctx context.Context, rate int) {
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.register()
		}
	}
}

// take is the slowest answer since the last take.
func (p *phones) take() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.slowest
	p.slowest = 0
	return d
}

// loaded is a server with 10,000 contacts, of which 500 a second register again until the test
// ends; none of that may fail.
func loaded(t *testing.T) (p *phones, socket string) {
	t.Helper()
	state := t.TempDir()
	s := startServer(t, testHead+`
domains: [example.net]
backends: {contacts: {memory: {}}}
routes:
  request:
    - match: {method: REGISTER}
      do: [{save: {location: contacts}}]
    - do: [{reply: {code: 405}}]
`, "--state", state)
	p = startPhones(t, s.addr("udp", false))
	p.all()
	p.take()
	ctx, stop := context.WithCancel(context.Background())
	var load sync.WaitGroup
	load.Go(func() { p.at(ctx, 500) })
	t.Cleanup(func() {
		stop()
		load.Wait()
		await(t, 20*time.Second, func() (string, bool) {
			n := p.waiting()
			return fmt.Sprintf("%d registrations are not answered", n), n == 0
		})
		t.Logf("%d registrations", p.answered)
	})
	return p, filepath.Join(state, "ctl.sock")
}

// ctlTimeout is what sipedge ctl gives an answer unless told.
const ctlTimeout = 5 * time.Second

// Calls at the same time, beside registrations, are all answered in time.
func TestControlParallel(t *testing.T) {
	p, socket := loaded(t)
	client := control.NewClient(socket)
	aor := func(n int) url.Values { return url.Values{"aor": {fmt.Sprintf("u%d@example.net", n)}} }
	kinds := []func(ctx context.Context, n int) error{
		func(ctx context.Context, _ int) error {
			return client.Do(ctx, "uptime", nil, nil, new(control.Uptime))
		},
		func(ctx context.Context, _ int) error {
			return client.Do(ctx, "ps", nil, nil, new(control.Work))
		},
		func(ctx context.Context, _ int) error {
			return client.Do(ctx, "statistics", nil, nil, new(control.Statistics))
		},
		func(ctx context.Context, _ int) error {
			return client.Do(ctx, "backends", nil, nil, new(control.Backends))
		},
		func(ctx context.Context, n int) error {
			return client.Do(ctx, "binding", aor(n), nil, new(control.Bound))
		},
		func(ctx context.Context, n int) error {
			return client.Do(ctx, "add_binding", url.Values{"aor": {fmt.Sprintf("new%d@example.net", n)}},
				control.Addition{Contact: "sip:new@192.0.2.9"}, new(control.Bound))
		},
		func(ctx context.Context, n int) error {
			q := url.Values{"limit": {"10"}}
			return client.Stream(ctx, "bindings", q, func([]byte) error { return nil })
		},
	}
	var all sync.WaitGroup
	const calls = 1000
	errs := make(chan error, calls)
	took := make(chan time.Duration, calls)
	for n := range calls {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), ctlTimeout)
			defer cancel()
			began := time.Now()
			errs <- kinds[n%len(kinds)](ctx, n)
			took <- time.Since(began)
		})
	}
	all.Wait()
	failed, slowest := 0, time.Duration(0)
	for range calls {
		slowest = max(slowest, <-took)
		if err := <-errs; err != nil {
			if failed++; failed < 5 {
				t.Error(err)
			}
		}
	}
	if failed > 0 {
		t.Errorf("%d of %d calls failed", failed, calls)
	}
	t.Logf("%d calls, the slowest took %v; the slowest registration took %v", calls, slowest, p.take())
}

// Commands, each a process, beside registrations.
func TestControlProcesses(t *testing.T) {
	p, socket := loaded(t)
	var all sync.WaitGroup
	for n := range 50 {
		aor := fmt.Sprintf("u%d@example.net", phoneCount-1-n)
		args := [][]string{
			{"uptime"}, {"ps"}, {"-o", "json", "backends"}, {"statistics"}, {"log-level", "info"},
			{"location", "show", aor}, {"reload"}, {"location", "list", "--limit", "5"},
			{"location", "rm", aor}, {"-o", "json", "tables"}, {"version"},
			{"location", "add", "desk@example.net", "sip:desk@192.0.2.9"}, {"location", "list"},
		}[n%13]
		all.Go(func() {
			args := append([]string{"ctl", "--socket", socket}, args...)
			if out, err := exec.Command("sipedge", args...).CombinedOutput(); err != nil {
				t.Errorf("sipedge %v: %v\n%s", args, err, out)
			}
		})
	}
	all.Wait()
	out := sipedge(t, "", "ctl", "--socket", socket, "location", "flush", "-o", "json")
	var gone control.Removed
	if err := json.Unmarshal([]byte(out), &gone); err != nil || gone.Removed < phoneCount-50 {
		t.Errorf("%v: %s", err, out)
	}
	t.Logf("the slowest registration took %v", p.take())
}

// What an operator removed is not called any more.
func TestControlRemoves(t *testing.T) {
	state := t.TempDir()
	s := startServer(t, testHead+`
domains: [example.net]
backends: {contacts: {memory: {}}}
routes:
  request:
    - match: {method: REGISTER}
      do: [{save: {location: contacts}}]
    - do: [{lookup: {location: contacts, none: 480}}, {relay: {}}]
`, "--state", state)
	phone, socket := startSilent(t), filepath.Join(state, "ctl.sock")
	sipedge(t, "", "ctl", "--socket", socket, "location", "add",
		fmt.Sprintf("callee@%s", s.addr("udp", false).Addr()), "sip:callee@"+phone.addr.String())
	ring(t, s)
	await(t, 10*time.Second, func() (string, bool) {
		n := phone.received.Load()
		return fmt.Sprintf("%d messages at the phone", n), n > 0
	})
	sipedge(t, "", "ctl", "--socket", socket, "location", "rm",
		fmt.Sprintf("callee@%s", s.addr("udp", false).Addr()))
	if got := invite(t, s.addr("udp", false)); got != "SIP/2.0 480 Temporarily Unavailable" {
		t.Errorf("a call after that gets %q", got)
	}
}

// ring calls and does not wait for an answer.
func ring(t *testing.T, s *server) {
	t.Helper()
	to := s.addr("udp", false)
	conn, err := net.Dial("udp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "INVITE sip:callee@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKring\r\n"+
		"Max-Forwards: 70\r\nFrom: <sip:test@127.0.0.1>;tag=1\r\nTo: <sip:callee@%s>\r\n"+
		"Call-ID: ring\r\nCSeq: 1 INVITE\r\nContact: <sip:test@%s>\r\nContent-Length: 0\r\n\r\n",
		to, conn.LocalAddr(), to, conn.LocalAddr())
}

// The command, any other client of HTTP and the metrics agree on when the server started.
func TestControlUptime(t *testing.T) {
	needs(t, "curl")
	state := t.TempDir()
	before := time.Now()
	s := startServer(t, testHead+"routes: {request: [{do: [{reply: {code: 404}}]}]}\n",
		"--state", state)
	socket := filepath.Join(state, "ctl.sock")
	var told [2]control.Uptime
	curl, err := exec.Command("curl", "-sS", "--unix-socket", socket,
		"http://sipedge/v1/uptime").Output()
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{
		sipedge(t, "", "ctl", "--socket", socket, "uptime", "-o", "json"), string(curl),
	} {
		if err := json.Unmarshal([]byte(text), &told[i]); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	process := time.Unix(0, int64(s.metric("process_start_time_seconds")*1e9))
	late := told[0].Since.Sub(process)
	if !told[0].Since.Equal(told[1].Since) || late.Abs() > 5*time.Second ||
		told[0].Since.Before(before) {
		t.Errorf("since %v, curl says %v, the process %v", told[0].Since, told[1].Since, process)
	}
}

// While all contacts are listed registrations are answered as before. The machine may be busy, so
// a few lists of many have to do without a pause.
func TestControlDump(t *testing.T) {
	const (
		pause = 50 * time.Millisecond
		tries = 30
		calm  = 3
	)
	p, socket := loaded(t)
	client := control.NewClient(socket)
	var seen []time.Duration
	for n, good := 0, 0; good < calm; n++ {
		if n == tries {
			t.Fatalf("registrations took up to %v while contacts were listed, want %d of them within %v",
				seen, calm, pause)
		}
		p.take()
		ctx, cancel := context.WithTimeout(context.Background(), ctlTimeout)
		listed := 0
		err := client.Stream(ctx, "bindings", nil, func(line []byte) error {
			var b control.Bound
			listed++
			return json.Unmarshal(line, &b)
		})
		cancel()
		if err != nil || listed != phoneCount {
			t.Fatalf("%d of %d addresses of record, %v", listed, phoneCount, err)
		}
		d := p.take()
		if seen = append(seen, d); d <= pause {
			good++
		}
	}
	t.Logf("the slowest registrations beside a list: %v", seen)
}
