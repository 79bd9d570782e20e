package trace

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// caller sends requests to a recorder, as a router would ask it.
type caller struct {
	t *testing.T
	*Recorder
	from string
}

func newCaller(t *testing.T) *caller { return &caller{t, new(Recorder), "198.51.100.7:5060"} }

func (c *caller) flow() transport.Flow {
	return transport.Flow{Transport: sip.UDP, Remote: netip.MustParseAddrPort(c.from)}
}

// request asks for the trace of a request: "INVITE sip:bob@example.net", its Call-ID and CSeq.
// What follows stands behind the header fields that every message has.
func (c *caller) request(start, id string, cseq int, fields string) *job.Trace {
	c.t.Helper()
	method, _, _ := strings.Cut(start, " ")
	return c.message(fmt.Sprintf("%s SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK%d\r\n"+
		"From: <sip:a@example.org>;tag=a\r\nTo: <sip:b@example.org>\r\nCall-ID: %s\r\nCSeq: %d %s\r\n%s"+
		"Content-Length: 0\r\n\r\n", start, cseq, id, cseq, method, fields))
}

func (c *caller) message(text string) *job.Trace {
	c.t.Helper()
	var m sip.Message
	if err := m.Parse([]byte(text)); err != nil {
		c.t.Fatalf("%v in\n%s", err, text)
	}
	return c.Trace(c.flow(), &m)
}

// run has a route run in a trace, which ends with the verdict; sent leaves meanwhile.
func run(t *job.Trace, v job.Verdict, sent ...string) {
	j := job.Get()
	defer job.Put(j)
	j.Trace, j.Now = t, time.Now()
	r := j.Enter(schema.InRequest, "request")
	for _, text := range sent {
		t.Sent(time.Now(), transport.Target{Transport: sip.UDP}, []byte(text+"\r\n\r\n"))
	}
	j.Leave(r, v)
}

func (c *caller) arm(o Order) *Recording {
	c.t.Helper()
	rec, err := c.Arm(o)
	if err != nil {
		c.t.Fatal(err)
	}
	return rec
}

const ok = "SIP/2.0 200 OK"

func TestOrders(t *testing.T) {
	for _, o := range []Order{
		{Count: 0, Time: "1m"}, {Count: MaxCalls + 1, Time: "1m"},
		{Count: 1}, {Count: 1, Time: "0s"}, {Count: 1, Time: "61m"}, {Count: 1, Time: "-1s"},
		{Count: 1, Time: "1m", Method: "invite"}, {Count: 1, Time: "1m", Method: "IN VITE"},
		{Count: 1, Time: "1m", Source: "here"}, {Count: 1, Time: "1m", Source: "10.0.0.0/33"},
	} {
		if err := o.Check(); err == nil {
			t.Errorf("%+v passes", o)
		}
		if _, err := new(Recorder).Arm(o); err == nil {
			t.Errorf("%+v is armed", o)
		}
	}
	for _, o := range []Order{
		{Count: 1, Time: "1h"}, {Count: MaxCalls, Time: "1s", Method: "WAKEUP"},
	} {
		if err := o.Check(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestFilters(t *testing.T) {
	const invite = "INVITE sip:b%6Fb@Example.NET"
	for _, tt := range []struct {
		order Order
		start string
		want  bool
	}{
		{Order{}, invite, true},
		{Order{Method: "INVITE"}, invite, true},
		{Order{Method: "BYE"}, invite, false},
		{Order{Method: "WAKEUP"}, "WAKEUP sip:b@example.net", true},
		{Order{CallID: "c1"}, invite, true},
		{Order{CallID: "c2"}, invite, false},
		{Order{Source: "198.51.100.7"}, invite, true},
		{Order{Source: "198.51.100.0/24"}, invite, true},
		{Order{Source: "203.0.113.0/24"}, invite, false},
		{Order{User: "bob"}, invite, true},
		{Order{User: "b%6Fb"}, invite, false},
		{Order{User: "bob"}, "INVITE sip:example.net", false},
		{Order{User: "+4930123"}, "INVITE tel:+4930123", true},
		{Order{Host: "example.net"}, invite, true},
		{Order{Host: "example.org"}, invite, false},
		{Order{Host: "[2001:db8::1]"}, "INVITE sip:[2001:DB8::1]", true},
		{Order{Method: "INVITE", User: "bob", Host: "example.org"}, invite, false},
	} {
		tt.order.Count, tt.order.Time = 1, "1m"
		c := newCaller(t)
		rec := c.arm(tt.order)
		if got := c.request(tt.start, "c1", 1, ""); (got != nil) != tt.want {
			t.Errorf("%+v of %s: recorded %v", tt.order, tt.start, got != nil)
		}
		rec.Stop()
	}
}

// TestCallEnds: what is over, and what is not, by the requests of one call and what came of them.
func TestCallEnds(t *testing.T) {
	type step struct {
		method  string
		verdict job.Verdict
		sent    string
	}
	for name, tt := range map[string]struct {
		steps []step
		over  bool
	}{
		"register":        {[]step{{"REGISTER", job.Done, ok}}, true},
		"provisional":     {[]step{{"INVITE", job.Done, "SIP/2.0 180 Ringing"}}, false},
		"busy":            {[]step{{"INVITE", job.Done, "SIP/2.0 486 Busy Here"}}, true},
		"answered":        {[]step{{"INVITE", job.Done, ok}}, false},
		"relayed":         {[]step{{"OPTIONS", job.Done, "OPTIONS sip:b@c SIP/2.0"}}, false},
		"challenge":       {[]step{{"REGISTER", job.Done, "SIP/2.0 401 Unauthorized"}}, false},
		"proxy challenge": {[]step{{"INVITE", job.Done, "SIP/2.0 407 Proxy Auth"}}, false},
		"challenge, then": {[]step{{"REGISTER", job.Done, "SIP/2.0 401 U"}, {"REGISTER", job.Done, ok}},
			true},
		"hung up": {[]step{{"INVITE", job.Done, ok}, {"ACK", job.Done, ""}, {"BYE", job.Done, ok}}, true},
		"re-INVITE failed": {[]step{{"INVITE", job.Done, ok}, {"INVITE", job.Done, "SIP/2.0 488 N"}},
			false},
		"INFO":         {[]step{{"INVITE", job.Done, ok}, {"INFO", job.Done, ok}}, false},
		"dropped":      {[]step{{"OPTIONS", job.Drop, ""}}, true},
		"INFO dropped": {[]step{{"INVITE", job.Done, ok}, {"INFO", job.Drop, ""}}, false},
		"off its end":  {[]step{{"OPTIONS", job.Next, ""}}, false},
	} {
		c := newCaller(t)
		rec := c.arm(Order{Count: 1, Time: "1m"})
		for i, s := range tt.steps {
			trace := c.request(s.method+" sip:b@example.net", "c1", i+1, "")
			if trace == nil {
				t.Fatalf("%s: %s is not recorded", name, s.method)
			}
			if s.sent == "" {
				run(trace, s.verdict)
			} else {
				run(trace, s.verdict, s.sent)
			}
		}
		status := rec.Status()
		if (status.Ended == ByCalls) != tt.over || (status.Over == 1) != tt.over {
			t.Errorf("%s: over is %v: %+v", name, tt.over, status)
		}
		if (c.request("OPTIONS sip:b@example.net", "c1", 99, "") == nil) != tt.over {
			t.Errorf("%s: a recording that has ended goes on, or the other way round", name)
		}
		rec.Stop()
	}
}

// TestInDialog: a call that is recorded from its midst ends with that request.
func TestInDialog(t *testing.T) {
	c := newCaller(t)
	rec := c.arm(Order{Count: 1, Time: "1m"})
	trace := c.message("INVITE sip:b@example.net SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1\r\nFrom: <sip:a@example.org>;tag=a\r\n" +
		"To: <sip:b@example.org>;tag=b\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n")
	run(trace, job.Done, ok)
	if s := rec.Status(); s.Ended != ByCalls {
		t.Errorf("got %+v", s)
	}
}

// TestJoined: of a recorded call all requests are recorded, a retransmission and a response with
// the request they belong to; other calls are not.
func TestJoined(t *testing.T) {
	c := newCaller(t)
	rec := c.arm(Order{Count: 1, Time: "1m", Method: "INVITE"})
	if c.request("OPTIONS sip:b@example.net", "c1", 1, "") != nil {
		t.Error("a request before the call matches is recorded")
	}
	invite := c.request("INVITE sip:b@example.net", "c1", 2, "")
	if invite == nil || c.request("INVITE sip:b@example.net", "c1", 2, "") != invite {
		t.Error("a retransmission is recorded by itself")
	}
	response := func(id string, cseq string) *job.Trace {
		return c.message("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n" +
			"From: <sip:a@example.org>;tag=a\r\nTo: <sip:b@example.org>;tag=b\r\n" +
			"Call-ID: " + id + "\r\nCSeq: " + cseq + "\r\nContent-Length: 0\r\n\r\n")
	}
	if response("c1", "2 INVITE") != invite {
		t.Error("a response is not recorded with its request")
	}
	if response("c1", "3 INVITE") != nil || response("c9", "2 INVITE") != nil {
		t.Error("a response to nothing is recorded")
	}
	if ack := c.request("ACK sip:b@example.net", "c1", 2, ""); ack == nil || ack == invite {
		t.Error("the ACK is not a request of its own")
	}
	if c.request("INVITE sip:b@example.net", "c2", 1, "") != nil {
		t.Error("one call more than ordered is recorded")
	}
	if s := rec.Status(); s.Calls != 1 || s.Requests != 2 || s.Ended != "" {
		t.Errorf("got %+v", s)
	}
}

// TestRunning: a recording is not over while a route runs, though the response has left; what
// runs is not shown.
func TestRunning(t *testing.T) {
	c := newCaller(t)
	rec := c.arm(Order{Count: 1, Time: "1m"})
	trace := c.request("OPTIONS sip:b@example.net", "c1", 1, "")
	j := job.Get()
	j.Trace = trace
	r := j.Enter(schema.InRequest, "request")
	trace.Sent(time.Now(), transport.Target{Transport: sip.UDP}, []byte(ok+"\r\n\r\n"))
	if s := rec.Status(); s.Ended != "" || s.Over != 0 {
		t.Errorf("while it runs: %+v", s)
	}
	if events := rec.Accounts()[0].Trace.Events; len(events) != 1 || events[0].Sent == nil {
		t.Errorf("while it runs: %+v", events)
	}
	j.Leave(r, job.Done)
	if s := rec.Status(); s.Ended != ByCalls {
		t.Errorf("got %+v", s)
	}
	if events := rec.Accounts()[0].Trace.Events; len(events) != 2 || events[0].Run == nil {
		t.Errorf("got %+v", events)
	}
}

func TestOneAtATime(t *testing.T) {
	c := newCaller(t)
	first := c.arm(Order{Count: 1, Time: "1m"})
	if _, err := c.Arm(Order{Count: 1, Time: "1m"}); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
	first.Stop()
	if s := first.Status(); s.Ended != ByStop {
		t.Errorf("got %+v", s)
	}
	second := c.arm(Order{Count: 1, Time: "1m"})
	if c.Find(first.Status().ID) != nil || c.Find(second.Status().ID) != second {
		t.Error("the wrong one is found")
	}
	first.Stop() // again: it ends nothing of the second
	if c.request("OPTIONS sip:b@example.net", "c1", 1, "") == nil {
		t.Error("the second does not record")
	}
	second.Stop()
}

// TestDisarms: a recording ends by itself, and is forgotten after a while.
func TestDisarms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t)
		rec := c.arm(Order{Count: 1, Time: "5s"})
		time.Sleep(4 * time.Second)
		if c.request("OPTIONS sip:b@example.net", "c1", 1, "") == nil {
			t.Error("it ended early")
		}
		time.Sleep(2 * time.Second)
		s := rec.Status()
		if s.Ended != ByTime || c.armed.Load() != nil ||
			c.request("OPTIONS sip:b@example.net", "c1", 2, "") != nil {
			t.Errorf("it goes on: %+v", s)
		}
		if c.Find(s.ID) != rec || len(rec.Accounts()) != 1 {
			t.Error("what was recorded cannot be had")
		}
		time.Sleep(kept)
		if c.Find(s.ID) != nil {
			t.Error("it is kept for ever")
		}
	})
}

// TestBounds: a recording takes so much and no more, and ends when it is full.
func TestBounds(t *testing.T) {
	for name, flood := range map[string]func(c *caller, trace *job.Trace, i int){
		"messages": func(_ *caller, trace *job.Trace, _ int) {
			trace.Sent(time.Now(), transport.Target{}, bytes.Repeat([]byte("x"), 60_000))
		},
		"events": func(_ *caller, trace *job.Trace, _ int) {
			for range 1000 {
				trace.Sent(time.Now(), transport.Target{}, nil)
			}
		},
		"rules": func(_ *caller, trace *job.Trace, _ int) {
			j := job.Get()
			j.Trace = trace
			r := j.Enter(schema.InRequest, "request")
			for i := 0; i < 1000 && trace.Fits(); i++ {
				j.Tried(r, job.Try{Index: i, Failed: &job.Miss{Field: "method"}})
			}
			j.Leave(r, job.Done)
		},
		"requests": func(c *caller, _ *job.Trace, i int) {
			c.request("OPTIONS sip:b@example.net", "c1", i+2, "")
		},
	} {
		c := newCaller(t)
		rec := c.arm(Order{Count: 1, Time: "1h"})
		trace := c.request("INVITE sip:b@example.net", "c1", 1, "")
		for i := range 2 * maxRequests {
			flood(c, trace, i)
		}
		if s := rec.Status(); s.Ended != ByRoom || s.Requests > maxRequests {
			t.Errorf("%s: got %+v", name, s)
		}
		size, events := 0, 0
		for _, a := range rec.Accounts() {
			size += len(a.Request)
			for _, e := range a.Trace.Events {
				events++
				if e.Sent != nil {
					size += len(e.Sent.Message)
				} else {
					events += len(e.Run.Rules)
				}
			}
		}
		if size > maxBytes+65536 || events > maxEvents+1 {
			t.Errorf("%s: %d bytes, %d events", name, size, events)
		}
	}
}

// TestIdle: nothing is spent while nothing is recorded.
func TestIdle(t *testing.T) {
	var r Recorder
	var m sip.Message
	if n := testing.AllocsPerRun(100, func() {
		if r.Trace(transport.Flow{}, &m) != nil {
			t.Error("it records")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestAccount: credentials are not shown, what left is told once.
func TestAccount(t *testing.T) {
	c := newCaller(t)
	rec := c.arm(Order{Count: 1, Time: "1m"})
	trace := c.request("INVITE sip:b@example.net", "c1", 1, "Authorization: "+digest+"\r\n")
	relayed := "INVITE sip:b@192.0.2.1 SIP/2.0\r\nAuthorization: " + digest +
		"\r\nProxy-Authorization: Basic b3VyczpvdXJz"
	run(trace, job.Done, "SIP/2.0 100 Trying", relayed, relayed)
	trace.Sent(time.Now(), transport.Target{
		Transport: sip.TCP, Remote: netip.MustParseAddrPort("[2001:db8::1]:5070"),
	}, []byte(relayed+"\r\n\r\n"))
	trace.Sent(time.Now(), transport.Target{}, []byte("SIP/2.0 486 Busy Here\r\n\r\n"))
	a := rec.Accounts()[0]
	if len(a.Replies) != 2 || len(a.Sent) != 2 || a.Sent[1].Target != "[2001:db8::1]:5070/tcp" {
		t.Errorf("got %q %+v", a.Replies, a.Sent)
	}
	var out strings.Builder
	for _, write := range []func(*Account) error{
		func(a *Account) error { return a.WriteText(&out) },
		func(a *Account) error { return a.WriteJSON(&out) },
	} {
		if err := write(a); err != nil {
			t.Fatal(err)
		}
	}
	for _, secret := range []string{"0123456789abcdef", "alice", "b3VyczpvdXJz"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%s is shown:\n%s", secret, out.String())
		}
	}
	if n := strings.Count(out.String(), "Digest (hidden)"); n < 6 {
		t.Errorf("the fields themselves are missing: %d", n)
	}
}
