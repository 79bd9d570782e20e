package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/sip"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// got is the message sent last.
func (b *bench) got(t *testing.T) *sip.Message {
	t.Helper()
	m := new(sip.Message)
	if err := m.Parse(b.sender.last); err != nil {
		t.Fatal(err)
	}
	return m
}

// another makes the INVITE one of another transaction.
func (b *bench) another() {
	b.invite[bytes.Index(b.invite, []byte("asdhds"))-1]++
}

// What a hop refuses at once: the caller gets the status that says why, with
// no Via of ours, statefully and statelessly.
func TestSendFaults(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{transport.ErrTooLarge, 513},
		{transport.ErrNoListener, 500},
		{transport.ErrQueueFull, 500},
		{errors.New("host unreachable"), 500},
	}
	for _, tt := range tests {
		for name, run := range map[string]func(*Proxy, *job.Job){
			"forward": routeByURI, "relay": routeRelay,
		} {
			b := newBench()
			b.sender.refuse = tt.err
			b.call(t, run)
			m := b.got(t)
			if m.Status() != tt.want || strings.Contains(string(b.sender.last), "10.0.0.9") {
				t.Errorf("%s, %v: want %d, got\n%s", name, tt.err, tt.want, b.sender.last)
			}
			b.end()
			if n := b.proxy.Stats().LiveContexts; n != 0 {
				t.Errorf("%s, %v: %d contexts left", name, tt.err, n)
			}
		}
	}
}

// Too many transactions: 503 with Retry-After, whichever side finds it out.
func TestFullLayer(t *testing.T) {
	b := newBench()
	b.layer = transaction.New(transaction.Config{
		Sender: b.sender, User: b, Clock: b.proxy.cfg.Clock, Max: 1,
	})
	b.proxy.SetLayer(b.layer)
	for i := range 2 { // no room for the branch, none for the request
		b.another()
		b.call(t, routeRelay)
		m := b.got(t)
		if m.Status() != 503 || m.Get(sip.RetryAfter) == nil {
			t.Errorf("%d: got\n%s", i, b.sender.last)
		}
	}
	b.another()
	b.call(t, func(p *Proxy, j *job.Job) {
		if p.Accept(j) || !j.Answered {
			t.Error("Accept")
		}
	})
	b.another()
	b.call(t, func(p *Proxy, j *job.Job) { p.Reply(j, 486, "", nil, true) })
	if m := b.got(t); m.Status() != 486 {
		t.Errorf("a stateful reply without room: got %d", m.Status())
	}
	if n := b.proxy.Stats().StatelessReplies; n != 3 {
		t.Errorf("%d stateless replies", n)
	}
}

// A run that outlives its transaction does nothing any more.
func TestStaleJob(t *testing.T) {
	b := newBench()
	var text []byte
	late := new(job.Job)
	b.call(t, func(p *Proxy, j *job.Job) {
		p.Accept(j)
		text = j.Msg.AppendTo(nil)
		late.Reset()
		late.Flow, late.Self, late.Server, late.Word = j.Flow, j.Self, j.Server, j.Word
		p.Reply(j, 486, "", nil, false)
	})
	b.end()
	b.another()
	b.call(t, func(p *Proxy, j *job.Job) { p.Accept(j) }) // takes the same context
	late.Msg = new(sip.Message)
	if err := late.Msg.Parse(text); err != nil {
		t.Fatal(err)
	}
	n := b.sender.n
	if v := b.proxy.Relay(late, &Hooks{To: nextHopURI, By: nexthop.Own}); v != job.Done {
		t.Errorf("Relay: verdict %d", v)
	}
	b.proxy.Reply(late, 500, "", nil, false)
	b.proxy.Drop(late)
	if b.sender.n != n {
		t.Errorf("sent\n%s", b.sender.last)
	}
	if n := b.proxy.Stats().LiveContexts; n != 1 {
		t.Errorf("%d contexts live, want the other one", n)
	}
}

// A retransmission that races its request is not dealt with twice.
func TestRacedRetransmission(t *testing.T) {
	b := newBench()
	b.call(t, routeRelay)
	n := b.sender.n
	if err := b.msg.Parse(b.invite); err != nil {
		t.Fatal(err)
	}
	b.msg.MarkReceived(b.flow.Remote, false)
	b.Request(b.flow, &b.msg) // past the layer
	if b.sender.n != n || b.proxy.Stats().LiveContexts != 1 {
		t.Errorf("%d messages more, %d contexts", b.sender.n-n, b.proxy.Stats().LiveContexts)
	}
}

func TestRefuse(t *testing.T) {
	b := newBench()
	m := new(sip.Message)
	err := m.Parse([]byte(strings.Replace(inviteText, "Max-Forwards: 70", "Max-Forwards: x", 1)))
	if err == nil {
		t.Fatal("want a bad message")
	}
	b.proxy.Refuse(b.flow, m, 400, "Bad Max-Forwards")
	if got := b.got(t); got.Status() != 400 || string(got.Reason()) != "Bad Max-Forwards" {
		t.Errorf("got\n%s", b.sender.last)
	}
	n := b.sender.n
	_ = m.Parse([]byte("INVITE sip:x SIP/2.0\r\n\r\n"))
	b.proxy.Refuse(b.flow, m, 400, "")
	if b.sender.n != n || b.proxy.Stats().Refused != 2 {
		t.Error("answered what has no form that can be answered")
	}
}

// The target set has room for 12 with the Request-URI, RFC or not.
func TestBranchLimit(t *testing.T) {
	b := newBench()
	fits := 0
	b.call(t, func(p *Proxy, j *job.Job) {
		for i := range 20 {
			if p.Append(j, job.Target{URI: fmt.Appendf(nil, "sip:%d@10.0.0.2", i)}) {
				fits++
			}
		}
		for i := range 5 { // past Append
			j.Targets = append(j.Targets, job.Target{URI: fmt.Appendf(nil, "sip:x%d@10.0.0.2", i)})
		}
		p.Relay(j, &Hooks{})
	})
	if n := b.layer.Stats().Clients; fits != 11 || n != 12 {
		t.Errorf("%d appended, %d sent", fits, n)
	}
}

// A message that names no Max-Breadth one can read counts as without.
func TestBreadth(t *testing.T) {
	p, _ := newProxy()
	for value, want := range map[string]int{"": 60, "0": 0, "7": 7, "x": 60, "-1": 60} {
		j := request(t, p, "OPTIONS sip:b@x", caller, "Max-Breadth: "+value)
		if value == "" {
			j = request(t, p, "OPTIONS sip:b@x", caller)
		}
		if got := identity.Breadth(j.Msg); got != want {
			t.Errorf("%q: want %d, got %d", value, want, got)
		}
	}
}
