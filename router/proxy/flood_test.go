package proxy

import (
	"context"
	"testing"

	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/sip"
)

// routeFunc is a route that is a function.
type routeFunc struct {
	f func(j *job.Job) job.Verdict
}

func (r *routeFunc) Run(_ context.Context, j *job.Job) job.Verdict { return r.f(j) }

func (r *routeFunc) Waits() bool { return false }

// busy has one call relayed; while the reply route runs over the first
// response, others come in.
func busy(t *testing.T, b *bench, meanwhile func(j *job.Job) job.Verdict) {
	t.Helper()
	first := true
	h := Hooks{To: nextHopURI, By: nexthop.Own, Reply: &routeFunc{func(j *job.Job) job.Verdict {
		if !first {
			return job.Next
		}
		first = false
		return meanwhile(j)
	}}}
	b.call(t, func(p *Proxy, j *job.Job) { p.Relay(j, &h) })
}

// respond brings a response to the last request, with something of its own in it.
func (b *bench) respond(t *testing.T, status, n int) {
	t.Helper()
	var req, resp sip.Message
	if err := req.Parse(b.sender.request); err != nil {
		t.Fatal(err)
	}
	extra := sip.AppendHeaderLine(nil, sip.Warning, []byte{'0' + byte(n/100%10),
		'0' + byte(n/10%10), '0' + byte(n%10)})
	if err := resp.Parse(sip.AppendReply(nil, &req, status, "", bobTag, extra)); err != nil {
		t.Fatal(err)
	}
	b.layer.Receive(b.flow, &resp)
}

// What a peer sends faster than its call can take it is lost as on the wire,
// and what counts is not among it.
func TestQueueIsBounded(t *testing.T) {
	b := newBench()
	busy(t, b, func(j *job.Job) job.Verdict {
		for i := range 900 {
			b.respond(t, 180, i)
		}
		if n := len(j.Context.(*responseContext).queue); n > maxQueue {
			t.Errorf("%d events wait", n)
		}
		b.respond(t, 486, 0)
		return job.Next
	})
	b.respond(t, 183, 0)
	if m := b.got(t); m.Status() != 486 {
		t.Errorf("the final response is lost: got %d", m.Status())
	}
	b.end()
	if n := b.proxy.Stats().LiveContexts; n != 0 {
		t.Errorf("%d contexts left", n)
	}
}

// A reply route that panics whenever it runs costs its transaction and no
// more, whatever came meanwhile.
func TestPanicsOneAfterTheOther(t *testing.T) {
	b := newBench()
	bad := &routeFunc{func(*job.Job) job.Verdict {
		b.respond(t, 180, 1) // finds the context busy
		panic("policy")
	}}
	b.call(t, func(p *Proxy, j *job.Job) {
		p.Relay(j, &Hooks{To: nextHopURI, By: nexthop.Own, Reply: bad})
	})
	func() {
		defer func() { _ = recover() }()
		b.respond(t, 180, 0)
	}()
	if m := b.got(t); m.Status() != 500 && m.Method() != sip.CANCEL {
		t.Errorf("got\n%s", b.sender.last)
	}
	b.respond(t, 487, 0)
	b.end()
	b.end()
	if n := b.proxy.Stats().LiveContexts; n != 0 {
		t.Errorf("%d contexts left", n)
	}
}
