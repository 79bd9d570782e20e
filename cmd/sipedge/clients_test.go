package main

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// clients are those of a registrar behind one socket. They know of each what may be registered:
// after a 200 one thing, after what was not answered, or refused, that or what was before.
type clients struct {
	t    *testing.T
	conn *net.UDPConn
	done chan struct{} // the reader has ended

	mu      sync.Mutex
	list    []client
	answers map[int]int     // by status
	took    []time.Duration // of each answer
	retries int             // answers with Retry-After
}

type client struct {
	cseq int
	may  map[string]bool // what may be registered: a q of the only contact, or "" for nothing
	ask  string          // what the last REGISTER asks for
	sent time.Time       // zero: nothing is under way
	is   string          // what the answer to a query told
	seen bool            // there was one
}

const queries = "?" // asked for by a query

func newClients(t *testing.T, n int) *clients {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadBuffer(4 << 20) // as much as the system grants
	p := &clients{
		t: t, conn: conn, done: make(chan struct{}), list: make([]client, n), answers: map[int]int{},
	}
	for i := range p.list {
		p.list[i].may = map[string]bool{"": true}
	}
	go p.read()
	t.Cleanup(func() {
		conn.Close()
		<-p.done
	})
	return p
}

// run sends REGISTERs at a rate until stop is closed: new q values, and every fifth time nothing.
func (p *clients) run(to netip.AddrPort, rate int, stop <-chan struct{}) {
	for n, began := 0, time.Now(); ; n++ {
		select {
		case <-stop:
			return
		case <-time.After(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(rate)))):
		}
		i, ask := n%len(p.list), ""
		p.mu.Lock()
		if cseq := p.list[i].cseq; cseq%5 != 4 {
			ask = strconv.FormatFloat(float64(1+cseq%998)/1000, 'f', -1, 64)
		}
		p.send(to, i, ask)
		p.mu.Unlock()
	}
}

// send sends a REGISTER of a client. p.mu is held.
func (p *clients) send(to netip.AddrPort, i int, ask string) {
	one := &p.list[i]
	one.cseq++
	one.ask, one.sent = ask, time.Now()
	if ask != queries {
		one.may[ask] = true
	}
	p.write(to, i)
}

// write is what a client sends, once or again. p.mu is held.
func (p *clients) write(to netip.AddrPort, i int) {
	one, contact := &p.list[i], ""
	switch one.ask {
	case queries:
	case "":
		contact = fmt.Sprintf("Contact: <sip:u%d@127.0.0.1:9>;expires=0\r\n", i)
	default:
		contact = fmt.Sprintf("Contact: <sip:u%d@127.0.0.1:9>;q=%s;expires=7200\r\n", i, one.ask)
	}
	fmt.Fprintf(writerTo{p.conn, to}, "REGISTER sip:example.net SIP/2.0\r\n"+
		"Via: SIP/2.0/UDP %s;branch=z9hG4bK%d.%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:u%d@example.net>;tag=1\r\nTo: <sip:u%d@example.net>\r\n"+
		"Call-ID: client-%d\r\nCSeq: %d REGISTER\r\n%sContent-Length: 0\r\n\r\n",
		p.conn.LocalAddr(), i, one.cseq, i, i, i, one.cseq, contact)
}

type writerTo struct {
	conn *net.UDPConn
	to   netip.AddrPort
}

// Write gives up on what can't be sent: a server that was killed has no socket.
func (w writerTo) Write(b []byte) (int, error) {
	_, _ = w.conn.WriteToUDPAddrPort(b, w.to)
	return len(b), nil
}

var answered = regexp.MustCompile(`(?s)^SIP/2.0 (\d+).*\r\nCall-ID: client-(\d+)\r\nCSeq: (\d+) `)

var contactQ = regexp.MustCompile(`\r\nContact: <sip:u\d+@127.0.0.1:9>;expires=\d+;q=([0-9.]+)`)

// read takes answers until the socket is closed.
func (p *clients) read() {
	defer close(p.done)
	buf := make([]byte, 4096)
	for {
		n, _, err := p.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if m := answered.FindSubmatch(buf[:n]); m != nil {
			status, _ := strconv.Atoi(string(m[1]))
			i, _ := strconv.Atoi(string(m[2]))
			cseq, _ := strconv.Atoi(string(m[3]))
			p.take(i, cseq, status, buf[:n])
		}
	}
}

func (p *clients) take(i, cseq, status int, message []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := &p.list[i]
	if status < 200 || cseq != one.cseq || one.sent.IsZero() {
		return
	}
	p.took = append(p.took, time.Since(one.sent))
	one.sent = time.Time{}
	p.answers[status]++
	if bytes.Contains(message, []byte("\r\nRetry-After: ")) {
		p.retries++
	}
	switch {
	case status != 200:
	case one.ask == queries:
		one.is, one.seen = "", true
		if m := contactQ.FindSubmatch(message); m != nil {
			one.is = string(m[1])
		}
	default:
		one.may = map[string]bool{one.ask: true}
	}
}

// verify asks what is registered of each client, and returns of how many something else is than may
// be.
func (p *clients) verify(to netip.AddrPort) (lost int) {
	p.t.Helper()
	p.mu.Lock()
	for i := range p.list {
		p.list[i].seen = false
	}
	p.mu.Unlock()
	await(p.t, 60*time.Second, func() (string, bool) {
		missing := 0
		for i := range p.list {
			p.mu.Lock()
			open := !p.list[i].seen
			if open {
				p.query(to, i)
				missing++
			}
			p.mu.Unlock()
			if open && missing%50 == 0 {
				time.Sleep(20 * time.Millisecond)
			}
		}
		time.Sleep(200 * time.Millisecond)
		return fmt.Sprintf("%d clients have no answer; all answers: %v", missing, p.count()), missing == 0
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.list {
		if one := &p.list[i]; !one.may[one.is] {
			p.t.Errorf("client %d: registered is %q, acknowledged was one of %q", i, one.is,
				slices.Sorted(maps.Keys(one.may)))
			lost++
		}
	}
	return lost
}

// query asks what is registered of a client, and the same once more when there is no answer yet: it
// counts whenever it comes. p.mu is held.
func (p *clients) query(to netip.AddrPort, i int) {
	switch one := &p.list[i]; {
	case one.sent.IsZero() || one.ask != queries:
		p.send(to, i, queries)
	case time.Since(one.sent) > resend:
		p.write(to, i)
	}
}

// count returns how many answers there were, by status.
func (p *clients) count() map[int]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.answers)
}

// waiting is how many REGISTERs are under way.
func (p *clients) waiting() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.list {
		if !p.list[i].sent.IsZero() {
			n++
		}
	}
	return n
}

// settle gives up on what was not answered, and forgets the numbers so far.
func (p *clients) settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers, p.took, p.retries = map[int]int{}, nil, 0
	for i := range p.list {
		p.list[i].sent = time.Time{}
	}
}

// spread is the median and the 99th percentile of times.
func spread(took []time.Duration) (p50, p99 time.Duration) {
	if len(took) == 0 {
		return 0, 0
	}
	slices.Sort(took)
	return took[len(took)/2], took[len(took)*99/100]
}
