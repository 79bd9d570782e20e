package router

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sipedge/router/job"
	"sipedge/sip/transport/mem"
)

// asks is a step that has to wait.
type asks struct{ ran *int }

func (s asks) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	if !j.MayWait {
		return job.Wait, nil
	}
	*s.ran++
	return job.Next, nil
}

// asking makes a router whose log steps have to wait; ran counts them.
func asking(t *testing.T, net *mem.Network, policy string) (r *Router, node *mem.Node, ran *int) {
	r, node = newRouter(t, net, head+policy)
	ran = new(int)
	for _, route := range r.policy.Load().all {
		route.waits = true
		for i := range route.rules {
			for s, kind := range route.rules[i].kinds {
				if kind == "log" {
					route.rules[i].steps[s] = asks{ran}
				}
			}
		}
	}
	node.Start(r)
	return r, node, ran
}

const log = `{log: {message: x}}`

// A run that waits goes on as if it had not: in a rule, a sub-route, an arm; behind each.
func TestARunThatWaits(t *testing.T) {
	for _, tt := range []struct {
		name, policy, want string
		ran                int
	}{
		{"first step", `
  request: [{do: [` + log + `, {reply: {code: 202}}]}]`, "202", 1},
		{"next rule", `
  request:
    - do: [{prefix: "1"}, ` + log + `]
    - match: {uri: {user: "1bob"}}
      do: [{prefix: "2"}, ` + log + `]
    - match: {uri: {user: "21bob"}}
      do: [{reply: {code: 202}}]
    - do: [{reply: {code: 500}}]`, "202", 2},
		{"sub-route, then its caller", `
  request:
    - do: [{route: a}, {prefix: "3"}]
    - match: {uri: {user: "321bob"}}
      do: [{reply: {code: 202}}]
    - do: [{reply: {code: 500}}]
  sub:
    a: [{do: [{prefix: "1"}, {route: b}, {prefix: "2"}]}]
    b: [{do: [` + log + `, {return: {}}]}]`, "202", 1},
		{"sub-route that ends", `
  request: [{do: [{route: a}]}]
  sub: {a: [{do: [` + log + `, {reply: {code: 202}}]}]}`, "202", 1},
		{"arm", `
  request: [{do: [{loose_route: {on_none: a}}, {reply: {code: 500}}]}]
  sub: {a: [{do: [` + log + `, {reply: {code: 202}}]}]}`, "202", 1},
		{"within an arm", `
  request: [{do: [{loose_route: {on_none: a}}, {reply: {code: 500}}]}]
  sub:
    a: [{do: [{route: b}, {reply: {code: 202}}]}]
    b: [{do: [` + log + `]}]`, "202", 1},
		{"relay behind", `
  request: [{do: [` + log + `, {relay: {to: "sip:10.0.0.2"}}]}]`, "180", 1},
		{"failure route", `
  request: [{do: [{relay: {to: "sip:10.0.0.3", failure: f}}]}]
  failure: {f: [{do: [` + log + `, {relay: {to: "sip:10.0.0.2"}}]}]}`, "180", 1},
		{"reply route", `
  request: [{do: [{relay: {to: "sip:10.0.0.2", reply: r}}]}]
  reply: {r: [{do: [` + log + `, {log: {message: x}}]}]}`, "180", 2},
		{"reply routes of a final", `
  request: [{do: [{relay: {to: "sip:10.0.0.3", reply: r}}]}]
  reply: {all: [{do: [` + log + `]}], r: [{do: [` + log + `]}]}`, "486", 2},
		{"both", `
  request: [{do: [` + log + `, {relay: {to: "sip:10.0.0.3", failure: f}}]}]
  failure: {f: [{do: [` + log + `, {reply: {code: 202}}]}]}`, "202", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			net := mem.New(mem.Config{})
			r, _, ran := asking(t, net, tt.policy)
			a := phone(t, net, "10.0.0.1:5060")
			b, c := phone(t, net, "10.0.0.2:5060"), phone(t, net, "10.0.0.3:5060")
			b.answer, c.answer = 180, 486
			invite := call("INVITE")
			a.send(invite)
			net.Run(net.Now().Add(100 * time.Millisecond))
			a.send(invite) // sent again while the run waits
			net.Run(net.Now().Add(3 * time.Second))
			if *ran != tt.ran {
				t.Errorf("asked %d times, want %d", *ran, tt.ran)
			}
			if got := heard(a.got); !strings.HasSuffix(got, tt.want) ||
				!strings.HasPrefix(got, "100") {
				t.Errorf("the caller got %s, want %s", got, tt.want)
			}
			if n := r.Stats().Unanswered; n != 0 {
				t.Errorf("%d unanswered", n)
			}
		})
	}
}

// A response without state leaves its reader as well, and goes on behind its route.
func TestAReplyWithoutStateWaits(t *testing.T) {
	net := mem.New(mem.Config{})
	_, _, ran := asking(t, net, `
  request: [{do: [{forward: {to: "sip:10.0.0.3"}}]}]
  reply: {all: [{do: [`+log+`]}]}`)
	a, c := phone(t, net, "10.0.0.1:5060"), phone(t, net, "10.0.0.3:5060")
	c.answer = 486
	a.send(call("INVITE"))
	net.Run(net.Now().Add(time.Second))
	if got := heard(a.got); got != "486" || *ran != 1 {
		t.Errorf("the caller got %s, after %d steps", got, *ran)
	}
}

// A request whose run waited is known when it comes back: it loops. The first return has another
// source and may be a spiral.
func TestALoopBehindAWait(t *testing.T) {
	net := mem.New(mem.Config{})
	asking(t, net, `
  request: [{do: [`+log+`, {relay: {to: "sip:10.0.0.2"}}]}]`)
	a, b := phone(t, net, "10.0.0.1:5060"), phone(t, net, "10.0.0.2:5060")
	a.send(call("INVITE"))
	for i := range 2 {
		net.Run(net.Now().Add(600 * time.Millisecond))
		last := ""
		for _, m := range b.got {
			if strings.HasPrefix(m, "INVITE") {
				last = m
			}
		}
		line, rest, _ := strings.Cut(last, "\r\n")
		b.send(fmt.Sprintf("%s\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKback%d\r\n%s", line, i, rest))
	}
	net.Run(net.Now().Add(600 * time.Millisecond))
	if got := heard(b.got); got != "100 100 482" {
		t.Errorf("sent back twice, it was answered %q, want 482", got)
	}
}

// A call that is cancelled while its run waits is answered 487, and goes nowhere.
func TestCancelledWhileItWaits(t *testing.T) {
	net := mem.New(mem.Config{})
	_, _, ran := asking(t, net, `
  request: [{do: [`+log+`, {relay: {to: "sip:10.0.0.2"}}]}]`)
	a, b := phone(t, net, "10.0.0.1:5060"), phone(t, net, "10.0.0.2:5060")
	a.send(call("INVITE"))
	net.Run(net.Now().Add(100 * time.Millisecond))
	a.send(call("CANCEL"))
	net.Run(net.Now().Add(2 * time.Second))
	if got := heard(a.got); !strings.Contains(got, "487") || *ran != 1 {
		t.Errorf("the caller got %s, asked %d times", got, *ran)
	}
	if len(b.got) != 0 {
		t.Errorf("the callee got %q", b.got)
	}
}

// The arm of a forward that cannot be sent may wait, too: when that is known at once, and when it
// is known after a look-up.
func TestAForwardWhoseArmWaits(t *testing.T) {
	for _, to := range []string{"sip:bob@127.0.0.1", "sip:bob@nobody.test"} {
		net := mem.New(mem.Config{})
		_, _, ran := asking(t, net, `
  request: [{do: [{forward: {on_error: a}}]}]
  sub: {a: [{do: [`+log+`, {reply: {code: 202}}]}]}`)
		a := phone(t, net, "10.0.0.1:5060")
		a.send(strings.Replace(call("MESSAGE"), "sip:bob@10.0.0.9", to, 1))
		net.Run(net.Now().Add(3 * time.Second))
		if got := heard(a.got); got != "202" || *ran != 1 {
			t.Errorf("%s: the caller got %q, asked %d times", to, got, *ran)
		}
	}
}

// When the pool is full the request is refused at once.
func TestNoRoomToWait(t *testing.T) {
	net := mem.New(mem.Config{})
	r, _, ran := asking(t, net, `
  request: [{do: [`+log+`, {reply: {code: 202}}]}]`)
	r.parked.pool = full{}
	a := phone(t, net, "10.0.0.1:5060")
	a.send(call("MESSAGE"))
	net.Run(net.Now().Add(time.Second))
	if got := heard(a.got); got != "503" || *ran != 0 {
		t.Errorf("got %s, asked %d times", got, *ran)
	}
	if !strings.Contains(a.got[0], "\r\nRetry-After: ") {
		t.Errorf("no Retry-After: %q", a.got[0])
	}
}

type full struct{}

func (full) Go(func(context.Context)) bool { return false }

func call(method string) string {
	return fmt.Sprintf("%s sip:bob@10.0.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa\r\n"+
		"From: <sip:a@h>;tag=a\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 %s\r\n"+
		"Content-Length: 0\r\n\r\n", method, method)
}

// heard are the statuses of responses, in their order.
func heard(messages []string) string {
	var list []string
	for _, m := range messages {
		if f := strings.Fields(m); f[0] == "SIP/2.0" {
			list = append(list, f[1])
		}
	}
	return strings.Join(list, " ")
}
