package router

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip/transport/mem"
)

// ticks is a router whose timers count in a cache, by a clock that a test moves.
type ticks struct {
	*Router
	wire *wire
	now  time.Time
	wake time.Time
	held []func(context.Context) // what the pool was given
	full bool
}

func (c *ticks) Go(f func(context.Context)) bool {
	if c.full {
		return false
	}
	c.held = append(c.held, f)
	return true
}

// ends lets the runs under way end.
func (c *ticks) ends() (n int) {
	for ; len(c.held) > 0; n++ {
		f := c.held[0]
		c.held = c.held[1:]
		f(context.Background())
	}
	return n
}

// at moves the clock to a time since the start and returns how long until the
// next call, and how many runs began.
func (c *ticks) at(since time.Duration) (next time.Duration, runs int) {
	c.now = time.Unix(0, 0).Add(since)
	before := len(c.held)
	at := c.Advance(c.now)
	if at.IsZero() {
		return 0, len(c.held) - before
	}
	return at.Sub(c.now), len(c.held) - before
}

func newTicks(t *testing.T, policy string, jitter func(time.Duration) time.Duration) *ticks {
	t.Helper()
	c := &ticks{now: time.Unix(0, 0)}
	c.wire = &wire{listeners: Listeners(load(t, policy))}
	c.Router = New(Config{
		Sender: c.wire, Clock: func() time.Time { return c.now }, Pool: c, Jitter: jitter,
		Wake: func(at time.Time) { c.wake = at }, Resolver: names{mem.New(mem.Config{})},
	})
	swap(t, c.Router, policy)
	return c
}

const ticking = head + `
  request: [{do: [{reply: {code: 404}}]}]
  timer:
    tick: {every: 10s, do: [{send_request: {method: OPTIONS, to: "sip:10.0.0.2"}}]}
`

// A timer runs when a period has passed and then in its beat, whenever the clock
// looks; never while it runs; and what was missed is not made up for.
func TestTimer(t *testing.T) {
	c := newTicks(t, ticking, nil)
	if want := c.now.Add(10 * time.Second); !c.wake.Equal(want) {
		t.Errorf("want to be woken at %v, got %v", want, c.wake)
	}
	const s = time.Second
	for _, tt := range []struct {
		at, next time.Duration
		runs     int
		ends     bool
	}{
		{9 * s, 1 * s, 0, false},
		{10 * s, 10 * s, 1, true},
		{21 * s, 9 * s, 1, false}, // late; goes on
		{30 * s, 10 * s, 0, true}, // skipped
		{40 * s, 10 * s, 1, true},
		{95 * s, 5 * s, 1, true}, // time jumped: once
		{99 * s, 1 * s, 0, true},
	} {
		c.wire.sent = nil
		next, runs := c.at(tt.at)
		if tt.ends {
			c.ends()
		}
		if runs != tt.runs || next > tt.next {
			t.Errorf("at %v: want %d runs, the next call in %v; got %d, %v",
				tt.at, tt.runs, tt.next, runs, next)
		}
	}
	c.full = true
	c.at(100 * s)
	if got := c.Stats().Skipped; got != 2 {
		t.Errorf("want 2 skipped, got %d", got)
	}
}

// A reload ends the timers of the policy before, and begins those of its own.
func TestTimerReload(t *testing.T) {
	c := newTicks(t, ticking, nil)
	c.at(5 * time.Second)
	swap(t, c.Router, strings.Replace(ticking, "every: 10s", "every: 20s", 1))
	if _, runs := c.at(24 * time.Second); runs != 0 {
		t.Errorf("before its time: %d runs", runs)
	}
	if _, runs := c.at(25 * time.Second); runs != 1 {
		t.Errorf("in its time: %d runs", runs)
	}
	swap(t, c.Router, head+"  request: [{do: [{reply: {code: 404}}]}]\n")
	if _, runs := c.at(200 * time.Second); runs != 0 {
		t.Error("a timer is left")
	}
	swap(t, c.Router, ticking)
	c.Drain()
	if _, runs := c.at(300 * time.Second); runs != 0 || c.ends() != 1 {
		t.Errorf("drained: %d runs", runs)
	}
}

// Jitter makes each run late by itself: it does not add up.
func TestTimerJitter(t *testing.T) {
	var most time.Duration
	c := newTicks(t, ticking, func(max time.Duration) time.Duration { most = max; return max })
	for at := 10 * time.Second; at < time.Minute; at += 10 * time.Second {
		if _, runs := c.at(at + most - 1); runs != 0 {
			t.Errorf("at %v: without jitter", at)
		}
		if _, runs := c.at(at + most); runs != 1 {
			t.Errorf("at %v: %d runs", at+most, runs)
		}
		c.ends()
	}
	if most != 200*time.Millisecond {
		t.Errorf("jitter of %v at most", most)
	}
}

// Requests without an answer are bounded, and every end makes room for another.
func TestOwnRequestsAreBounded(t *testing.T) {
	policy := strings.Replace(ticking, "routes:", "limits: {requests: 2}\nroutes:", 1)
	c := newTicks(t, policy, nil)
	for i := range 3 {
		c.at(time.Duration(i+1) * 10 * time.Second)
		c.ends()
	}
	s := c.Requests()
	if s.Sent != 2 || s.Live != 2 || s.Refused != 1 {
		t.Fatalf("want 2 sent and 1 refused, got %+v", s)
	}
	reply := strings.Replace(c.wire.sent[0], "OPTIONS sip:10.0.0.2 SIP/2.0", "SIP/2.0 200 OK", 1)
	c.Receive(alice, []byte(reply))
	c.at(5 * time.Minute) // the other has timed out
	c.ends()
	want := "{Sent:3 Answered:1 Failed:1 Refused:1 Live:1}"
	if s := c.Requests(); s.Answered != 1 || s.Failed != 1 || s.Live != int64(s.Sent-2) {
		t.Errorf("want like %s, got %+v", want, s)
	}
}

// A step that fails at the start fails the start; a policy is not run twice.
func TestStartup(t *testing.T) {
	policy := head + `
  request: [{do: [{reply: {code: 404}}]}]
  startup: [{send_request: {method: OPTIONS, to: "sip:10.0.0.2"}}, {send_request: STEP}]
`
	good := strings.Replace(policy, "STEP", `{method: INFO, to: "sip:10.0.0.2;transport=udp"}`, 1)
	c := newTicks(t, good, nil)
	p, _ := c.Compile(load(t, good))
	if err := c.Startup(p); err != nil {
		t.Fatal(err)
	}
	if len(c.wire.sent) != 0 {
		t.Error("something left before the doors opened")
	}
	c.at(0)
	if n := len(c.wire.sent); n != 2 {
		t.Errorf("want 2 requests, got %d", n)
	}
	bad := strings.Replace(policy, "STEP", `{method: INFO, to: "sip:{time.unix}:port"}`, 1)
	p, diags := c.Compile(load(t, bad))
	if p == nil {
		t.Fatal(diags)
	}
	if err := c.Startup(p); err == nil || !strings.HasPrefix(err.Error(), "startup: ") {
		t.Errorf("want the error of a step, got %v", err)
	}
	c.at(time.Minute)
	if s := c.Requests(); s.Sent != 2 {
		t.Errorf("what was asked for before it failed has left: %+v", s)
	}
}

// The router calls itself by its domain, or by the address others know, without a port.
func TestOwnName(t *testing.T) {
	for _, tt := range []struct{ settings, want string }{
		{"", "sip:10.0.0.9"},
		{"domains: [example.net, example.org]", "sip:example.net"},
		{`domains: ["[2001:db8::1]"]`, "sip:[2001:db8::1]"},
		{"ADVERTISE edge.example.net:5080", "sip:edge.example.net"},
		{"ADVERTISE [2001:db8::2]:5080", "sip:[2001:db8::2]"},
	} {
		policy := strings.Replace(ticking, "routes:", tt.settings+"\nroutes:", 1)
		if at, ok := strings.CutPrefix(tt.settings, "ADVERTISE "); ok {
			policy = strings.Replace(ticking, `5060"}`, `5060", advertise: "`+at+`"}`, 1)
		}
		c := newTicks(t, policy, nil)
		c.at(10 * time.Second)
		c.ends()
		if len(c.wire.sent) != 1 || !strings.Contains(c.wire.sent[0], "From: <"+tt.want+">") {
			t.Errorf("%s: want %s, got %q", tt.settings, tt.want, c.wire.sent)
		}
	}
}

// Runs without a message take place where Own lets them, and tell its trace what they do.
func TestOwnRunsAreTraced(t *testing.T) {
	policy := strings.Replace(head, "listen:", "vars: {var.n: int, avp.who: string}\nlisten:", 1) + `
  request: [{do: [{reply: {code: 404}}]}]
  local: [{name: stamp, do: [{set_header: {X-Stamp: "{method}"}}]}]
  startup: [{set: {var.n: 1}}, {send_request: {method: OPTIONS, to: "sip:10.0.0.2"}}]
  timer:
    tick:
      every: 10s
      do: [{set: {avp.who: me}}, {send_request: {method: INFO, to: "sip:10.0.0.2"}}]
    tock: {every: 10s, do: [{send_request: {method: INFO, to: "sip:10.0.0.3"}}]}
`
	var asked []string
	var trace job.Trace
	c := &ticks{now: time.Unix(0, 0)}
	c.wire = &wire{listeners: Listeners(load(t, policy))}
	c.Router = New(Config{
		Sender: c.wire, Clock: func() time.Time { return c.now }, Pool: c,
		Resolver: names{mem.New(mem.Config{})},
		Own: func(of schema.Place, route string) (*job.Trace, bool) {
			asked = append(asked, of.String()+" "+route)
			return &trace, route != "tock"
		},
	})
	p, diags := c.Compile(load(t, policy))
	if p == nil {
		t.Fatal(diags)
	}
	if err := c.Startup(p); err != nil {
		t.Fatal(err)
	}
	c.Swap(p)
	c.at(0)
	c.at(10 * time.Second)
	c.ends()
	if want := []string{"startup startup", "timer tick", "timer tock"}; !slices.Equal(asked, want) {
		t.Errorf("want %q, got %q", want, asked)
	}
	var got []string
	for _, e := range trace.Events {
		if e.Run == nil {
			got = append(got, e.Sent.Start())
			continue
		}
		line := e.Run.Type + " " + e.Run.Route
		for _, s := range e.Run.Rules[0].Steps {
			for _, edit := range s.Edits {
				line += " | " + edit.String()
			}
		}
		got = append(got, line)
	}
	want := []string{
		"startup startup | + var.n 1",
		"local local | + headers.X-Stamp OPTIONS", "OPTIONS sip:10.0.0.2 SIP/2.0",
		"timer tick | + avp.who me",
		"local local | + headers.X-Stamp INFO", "INFO sip:10.0.0.2 SIP/2.0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("want %q\ngot  %q", want, got)
	}
}
