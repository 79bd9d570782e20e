package proxy

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

const inviteText = "INVITE sip:bob@10.0.0.2 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK776asdhds\r\n" +
	"Max-Forwards: 70\r\n" +
	"To: Bob <sip:bob@example.net>\r\n" +
	"From: Alice <sip:alice@example.org>;tag=1928301774\r\n" +
	"Call-ID: a84b4c76e66710@pc33.example.org\r\n" +
	"CSeq: 314159 INVITE\r\n" +
	"Contact: <sip:alice@10.0.0.1>\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 4\r\n\r\nv=0\n"

var ownNames job.RecordRoute // a policy has it made once

// bench is a proxy between a sender that takes everything and a layer.
type bench struct {
	proxy  *Proxy
	sender *sender
	layer  *transaction.Layer
	now    time.Time
	run    func(p *Proxy, j *job.Job)
	flow   transport.Flow
	msg    sip.Message
	invite []byte
	text   []byte
}

func newBench() *bench {
	p, s := newProxy()
	b := &bench{proxy: p, sender: s, now: time.Unix(0, 0), invite: []byte(inviteText)}
	p.cfg.Clock = func() time.Time { return b.now }
	b.layer = transaction.New(transaction.Config{
		Sender: s, User: b, Clock: p.cfg.Clock, Max: 2_000_000,
	})
	p.SetLayer(b.layer)
	b.flow = transport.Flow{Transport: sip.UDP,
		Local:  netip.MustParseAddrPort("10.0.0.9:5060"),
		Remote: netip.MustParseAddrPort("10.0.0.1:5060"),
	}
	return b
}

// overTCP has the INVITE come over TCP, with a body of so many bytes.
func (b *bench) overTCP(body int) {
	b.flow.Transport = sip.TCP
	head, _, _ := strings.Cut(strings.Replace(inviteText, "/UDP", "/TCP", 1), "Content-Length")
	b.invite = fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s",
		head, body, strings.Repeat("v", body))
}

func (b *bench) receive(t testing.TB, text []byte) {
	if err := b.msg.Parse(text); err != nil {
		t.Fatal(err)
	}
	if b.msg.IsRequest() {
		b.msg.MarkReceived(b.flow.Remote, false)
	}
	b.layer.Receive(b.flow, &b.msg)
}

func (b *bench) Request(f transport.Flow, m *sip.Message) {
	j := job.Get()
	j.Place, j.Flow, j.Msg, j.Self = schema.InRequest, f, m, b.proxy.settings.Load().Self
	b.run(b.proxy, j)
	job.Put(j)
}
func (b *bench) Cancelled(s transaction.Server, word uint64, m *sip.Message) {
	b.proxy.Cancelled(s, word, m)
}
func (b *bench) Response(
	c transaction.Client, word uint64, f transport.Flow, m *sip.Message, err error,
) {
	b.proxy.Response(c, word, f, m, err)
}
func (b *bench) Stray(f transport.Flow, m *sip.Message)  { b.proxy.Stray(f, m) }
func (b *bench) Ended(s transaction.Server, word uint64) { b.proxy.Ended(s, word) }

// answer has the last request that was sent answered.
func (b *bench) answer(t testing.TB, status int) {
	if err := b.msg.Parse(b.sender.request); err != nil {
		t.Fatal(err)
	}
	b.text = sip.AppendReply(b.text[:0], &b.msg, status, "", bobTag, nil)
	b.receive(t, b.text)
}

var (
	bobTag     = []byte("bb")
	nextHopURI = []byte("sip:10.0.0.2:5060")
	nextHopTCP = []byte("sip:10.0.0.2:5060;transport=tcp")
)

// number makes the next INVITE another one.
func (b *bench) number(n int) {
	branch := bytes.Index(b.invite, []byte(";branch=z9hG4bK")) + len(";branch=z9hG4bK")
	for i := range 6 {
		b.invite[branch+i] = "0123456789abcdef"[n>>(4*i)&15]
	}
}

// call lets one INVITE through: run is its request route, and it is answered
// by these.
func (b *bench) call(t testing.TB, run func(p *Proxy, j *job.Job), answers ...int) {
	b.run = run
	b.receive(t, b.invite)
	for _, status := range answers {
		b.answer(t, status)
	}
}

// end lets all that waits for time be over.
func (b *bench) end() {
	b.now = b.now.Add(100 * time.Second)
	b.layer.Advance(b.now)
	b.layer.Advance(b.now)
}

func routeForward(p *Proxy, j *job.Job) { p.Forward(j, nextHopURI, nexthop.Own, nil) }
func routeByURI(p *Proxy, j *job.Job) {
	j.RecordRoute = &ownNames
	p.Forward(j, nil, nexthop.Told, nil)
}
func routeReply(p *Proxy, j *job.Job) { p.Reply(j, 403, "", nil, false) }
func routeRelay(p *Proxy, j *job.Job) {
	j.RecordRoute = &ownNames
	p.Relay(j, &Hooks{To: nextHopURI, By: nexthop.Own})
}
func routeTCP(p *Proxy, j *job.Job) {
	j.RecordRoute = &ownNames
	p.Relay(j, &Hooks{To: nextHopTCP, By: nexthop.Own})
}
func routeFork(p *Proxy, j *job.Job) {
	p.Append(j, job.Target{URI: nextHopURI})
	p.Relay(j, &Hooks{})
}

func TestAllocations(t *testing.T) {
	if racing {
		t.Skip("sync.Pool forgets at random under the race detector")
	}
	tests := []struct {
		name    string
		body    int // over TCP; 0: as it is, over UDP
		run     func(p *Proxy, j *job.Job)
		answers []int
	}{
		{"forward", 0, routeForward, nil},
		{"forward by Request-URI, Record-Route", 0, routeByURI, nil},
		{"forward and responses", 0, routeForward, []int{180, 200}},
		{"reply", 0, routeReply, nil},
		{"relay, 180 and 200", 0, routeRelay, []int{100, 180, 200}},
		{"relay and 486", 0, routeRelay, []int{486}},
		{"fork", 0, routeFork, []int{180, 200}},
		{"over TCP, 180 and 200", 300, routeTCP, []int{100, 180, 200}},
		{"a large one, 180 and 200", 40_000, routeTCP, []int{100, 180, 200}},
		{"a large one and 486", 40_000, routeTCP, []int{180, 486}},
	}
	for _, tt := range tests {
		b := newBench()
		if tt.body > 0 {
			b.overTCP(tt.body)
		}
		life := func() {
			b.call(t, tt.run, tt.answers...)
			b.end()
		}
		for range 20 {
			life()
		}
		sent := b.sender.n
		if n := testing.AllocsPerRun(100, life); n > 0 {
			t.Errorf("%s: %v allocations a call", tt.name, n)
		}
		if b.sender.n < sent+100 {
			t.Errorf("%s: only %d messages left", tt.name, b.sender.n-sent)
		}
		if n := b.proxy.Stats().LiveContexts; n != 0 {
			t.Errorf("%s: %d contexts left", tt.name, n)
		}
	}
}

func BenchmarkForward(b *testing.B) { benchmark(b, routeForward) }
func BenchmarkReply(b *testing.B)   { benchmark(b, routeReply) }
func BenchmarkRelay(b *testing.B)   { benchmark(b, routeRelay, 180, 200) }

func benchmark(b *testing.B, run func(p *Proxy, j *job.Job), answers ...int) {
	w := newBench()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		w.number(n)
		w.call(b, run, answers...)
		if n%1000 == 0 {
			w.end()
		}
	}
}

// BenchmarkCollection is a full collection while 500,000 calls ring: a million transactions. It
// tells what one of them holds, too.
func BenchmarkCollection(b *testing.B) {
	const calls = 500_000
	w := newBench()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range calls {
		w.number(n)
		w.call(b, routeRelay, 180)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		runtime.GC()
	}
	if n := w.proxy.Stats().LiveContexts; n != calls {
		b.Fatalf("%d calls ring", n)
	}
	b.ReportMetric(float64(after.HeapInuse-before.HeapInuse)/calls, "B/call")
	b.ReportMetric(float64(after.HeapInuse)/(1<<20), "MB-heap")
}
