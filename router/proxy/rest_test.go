package proxy

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/slab"
)

func TestSeatSize(t *testing.T) {
	if size := unsafe.Sizeof(seat{}); size > 256 {
		t.Errorf("a seat is %d bytes, want 256 at most", size)
	}
}

func (b *bench) wantTally(t *testing.T, when string, want ...int) {
	t.Helper()
	seats, texts, awake, tunes := b.proxy.contexts.seats.Count()
	if got := []int{seats, texts, awake, tunes}; !slices.Equal(got, want) {
		t.Errorf("%s: %v seats, texts, awake and tunes in use, want %v", when, got, want)
	}
}

// What a call needs between two events is a seat and a text, and the text goes with
// the answer unless a reply route may ask for it.
func TestCallRests(t *testing.T) {
	for name, left := range map[string]int{"no routes": 0, "reply": 1, "reply.all": 1} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			var seen []string
			note := &routeFunc{func(j *job.Job) job.Verdict {
				seen = append(seen, fmt.Sprint(j.Msg.Status(), " ", string(j.Received), " ", j.Flow.Remote))
				return job.Next
			}}
			h := Hooks{To: nextHopURI, By: nexthop.Own}
			switch name {
			case "reply":
				h.Reply = note
			case "reply.all":
				s := *b.proxy.settings.Load()
				s.ReplyAll = note
				b.proxy.SetSettings(&s)
			}
			b.call(t, func(p *Proxy, j *job.Job) { p.Relay(j, &h) })
			b.wantTally(t, "sent", 1, 1, 0, 1)
			b.respond(t, 180, 0)
			b.wantTally(t, "ringing", 1, 1, 0, 1)
			b.respond(t, 200, 0)
			b.wantTally(t, "answered", 1, left, 0, 1)
			b.respond(t, 200, 1)
			if m := b.got(t); m.Status() != 200 {
				t.Errorf("got %d", m.Status())
			}
			b.end()
			b.wantTally(t, "ended", 0, 0, 0, 0)
			for i, s := range seen {
				status := []string{"180", "200", "200"}[i]
				if s != status+" sip:bob@10.0.0.2 10.0.0.1:5060" {
					t.Errorf("route saw %q", s)
				}
			}
			if len(seen) != 3*left {
				t.Errorf("%d runs of the route", len(seen))
			}
		})
	}
}

// twoHops is a resolver to which every name is two servers.
type twoHops struct{ noNames }

func (twoHops) Cached(dst []resolve.Hop, _ resolve.Query) ([]resolve.Hop, bool, error) {
	hop := resolve.Hop{Transport: sip.UDP, Addr: netip.MustParseAddrPort("10.0.0.2:5060")}
	return append(dst, hop, hop), true, nil
}

// While another server may be tried, its request is at hand; once the first one rings, that
// is over.
func TestRingingRests(t *testing.T) {
	b := newBench()
	b.proxy.find.Resolver = twoHops{}
	h := Hooks{To: []byte("sip:gw.example.net"), By: nexthop.Own}
	b.call(t, func(p *Proxy, j *job.Job) { p.Relay(j, &h) })
	b.wantTally(t, "sent", 1, 1, 1, 0)
	b.respond(t, 180, 0)
	b.wantTally(t, "ringing", 1, 1, 0, 1)
	n := b.sender.n
	b.respond(t, 503, 0)
	if m := b.got(t); m.Status() != 500 {
		t.Errorf("after the 503 of who had rung: %d, want 500", m.Status())
	}
	if b.sender.n != n+2 { // and its ACK
		t.Errorf("%d messages, want 2", b.sender.n-n)
	}
	b.wantTally(t, "failed", 0, 0, 0, 0)
}

// A failure route finds the request as it stood at the relay, though the context rested.
func TestFailureRouteAfterRest(t *testing.T) {
	b := newBench()
	var text string
	h := Hooks{To: nextHopURI, By: nexthop.Own}
	h.Failure = &routeFunc{func(j *job.Job) job.Verdict {
		text = string(j.Msg.AppendTo(nil))
		again := Hooks{To: nextHopURI, By: nexthop.Own}
		return b.proxy.Relay(j, &again)
	}}
	b.call(t, func(p *Proxy, j *job.Job) { p.Relay(j, &h) })
	b.respond(t, 180, 0)
	b.respond(t, 486, 0)
	if !strings.HasPrefix(text, "INVITE sip:bob@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060") {
		t.Errorf("the failure route saw\n%s", text)
	}
	b.wantTally(t, "again", 1, 1, 1, 1) // the 486 may be the best one yet
	b.respond(t, 200, 0)
	b.wantTally(t, "answered", 1, 0, 0, 1)
	b.end()
	b.wantTally(t, "ended", 0, 0, 0, 0)
}

// However often a request is relayed again, each failure route finds it as it stood at the relay
// before, and nothing of it is left.
func TestRelayedAgain(t *testing.T) {
	for _, size := range []int{4, 40_000} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			b := newBench()
			b.overTCP(size)
			s := *b.proxy.settings.Load()
			s.Attempts = 3
			b.proxy.SetSettings(&s)
			want := bytes.Repeat([]byte("v"), size)
			var seen []string
			h := Hooks{To: nextHopTCP, By: nexthop.Own}
			h.Failure = &routeFunc{func(j *job.Job) job.Verdict {
				if !bytes.Equal(j.Msg.Body(), want) || string(j.Received) != "sip:bob@10.0.0.2" {
					t.Errorf("round %d: %d bytes of body, for %q", len(seen), len(j.Msg.Body()), j.Received)
				}
				seen = append(seen, string(j.Msg.RURI()))
				j.Msg.SetRURI(fmt.Appendf(nil, "sip:%d@10.0.0.2", len(seen)))
				j.Msg.InsertNamed(j.Msg.Len(), "X-Round", bytes.Repeat([]byte("r"), 200))
				again := h
				return b.proxy.Relay(j, &again)
			}}
			b.call(t, func(p *Proxy, j *job.Job) { p.Relay(j, &h) })
			for range 4 {
				b.respond(t, 180, 0)
				b.respond(t, 404, 0)
			}
			if got := strings.Join(seen, " "); got != "sip:bob@10.0.0.2 sip:1@10.0.0.2 sip:2@10.0.0.2" {
				t.Errorf("seen were %s", got)
			}
			if m := b.got(t); m.Status() != 404 {
				t.Errorf("answered %d", m.Status())
			}
			b.end()
			b.wantTally(t, "ended", 0, 0, 0, 0)
		})
	}
}

// A request rests without its body when nothing but an answer can be made of it, and those are
// as ever.
func TestBodyRests(t *testing.T) {
	const size = 40_000
	end := &routeFunc{func(j *job.Job) job.Verdict {
		if len(j.Msg.Body()) != size {
			t.Errorf("a route has %d bytes of body", len(j.Msg.Body()))
		}
		return job.Next
	}}
	tests := []struct {
		name    string
		relay   func(p *Proxy, j *job.Job, h *Hooks)
		whole   bool
		restful bool
	}{
		{"no routes", func(*Proxy, *job.Job, *Hooks) {}, false, true},
		{"reply", func(_ *Proxy, _ *job.Job, h *Hooks) {
			h.Reply = &routeFunc{func(*job.Job) job.Verdict {
				return job.Next
			}}
		}, false, true},
		{"failure", func(_ *Proxy, _ *job.Job, h *Hooks) { h.Failure = end }, true, true},
		{"on_error", func(_ *Proxy, _ *job.Job, h *Hooks) { h.OnError = end }, true, true},
		{"groups", func(p *Proxy, j *job.Job, h *Hooks) {
			h.To, h.By = nil, 0
			j.Groups, j.Serial = true, true
			j.Own = job.Target{Q: 1000}
			j.Msg.SetRURI(nextHopTCP)
			p.Append(j, job.Target{URI: []byte("sip:10.0.0.3:5060;transport=tcp"), Q: 500})
		}, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench()
			b.overTCP(size)
			var word uint64
			b.call(t, func(p *Proxy, j *job.Job) {
				h := Hooks{To: nextHopTCP, By: nexthop.Own}
				tt.relay(p, j, &h)
				p.Relay(j, &h)
				word = j.Word
			}, 180)
			if n := len(b.sender.request); n < size {
				t.Errorf("%d bytes were sent", n)
			}
			sh, st := b.proxy.contexts.seats.Lock(word)
			n, awake := len(sh.Texts.Bytes(st.Rest.text)), sh.Awake(st) != nil
			sh.Unlock()
			if (n > size) != tt.whole || n > 1000 != tt.whole || awake == tt.restful {
				t.Errorf("rests with %d bytes, or is awake: %v", n, awake)
			}
			b.respond(t, 603, 0)
			m := b.got(t)
			if via, ok := m.TopVia(); m.Status() != 603 || !ok || string(via.Branch) != "z9hG4bK776asdhds" {
				t.Errorf("answered\n%s", m.Raw())
			}
			b.end()
			b.wantTally(t, "ended", 0, 0, 0, 0)
		})
	}
}

// The answers that are ours are made of a request without its body.
func TestAnswersWithoutBody(t *testing.T) {
	b := newBench()
	b.overTCP(40_000)
	b.call(t, routeTCP)
	b.end() // timer B
	const want = "SIP/2.0 408 Request Timeout\r\n" +
		"Via: SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bK776asdhds;received=10.0.0.1;rport=5060\r\n" +
		"From: Alice <sip:alice@example.org>;tag=1928301774\r\n"
	if got := string(b.got(t).Raw()); !strings.HasPrefix(got, want) {
		t.Errorf("answered\n%s\nwant\n%s", got, want)
	}
}

// What is too large for a text of a slab cannot be sent either, and who is asked what to do
// instead has it whole.
func TestTooLargeForAText(t *testing.T) {
	b := newBench()
	b.overTCP(0)
	size := sip.MaxMessage - len(b.invite) - len("5000") - len(";received=10.0.0.1=5060")
	b.overTCP(size)
	rounds := 0
	h := Hooks{To: nextHopTCP, By: nexthop.Own}
	h.Failure = &routeFunc{func(j *job.Job) job.Verdict {
		rounds++
		c := j.Context.(*responseContext)
		if len(j.Msg.Body()) != size || j.Status != 513 || string(j.Received) != "sip:bob@10.0.0.2" {
			t.Errorf("%d: %d bytes of body for %q", j.Status, len(j.Msg.Body()), j.Received)
		}
		if n := len(c.raw) + len(c.token) + len(c.received); n <= slab.MaxText {
			t.Errorf("it is %d bytes", n)
		}
		again := Hooks{To: nextHopTCP, By: nexthop.Own}
		return b.proxy.Relay(j, &again)
	}}
	b.call(t, func(p *Proxy, j *job.Job) { p.Relay(j, &h) })
	if m := b.got(t); m.Status() != 513 || rounds != 1 {
		t.Errorf("answered %d after %d rounds", m.Status(), rounds)
	}
	b.end()
	b.wantTally(t, "ended", 0, 0, 0, 0)
}

// What a peak took goes back.
func TestMemoryAfterAPeak(t *testing.T) {
	p, _ := newProxy()
	var m sip.Message
	if err := m.Parse([]byte(inviteText)); err != nil {
		t.Fatal(err)
	}
	var all []uint64
	for range 20_000 {
		c := p.contexts.take()
		c.set = p.settings.Load()
		c.freeze(&m, true)
		all = append(all, c.word)
		c.release()
	}
	for i, word := range all {
		c := p.acquire(word)
		if string(c.raw) != inviteText || c.word != word {
			t.Fatalf("context %d is another's", i)
		}
		c.ended = true
		c.release()
		if p.acquire(word) != nil {
			t.Fatalf("context %d is still there", i)
		}
	}
	seats, texts, awake, _ := p.contexts.seats.Count()
	if seats != 0 || texts != 0 || awake != 0 {
		t.Errorf("%d seats, %d texts, %d awake", seats, texts, awake)
	}
}
