package transaction

import (
	"testing"
	"time"

	"sipedge/sip"
)

// Unanswered has what a final response is to come to, and nothing that lingers.
func TestUnanswered(t *testing.T) {
	type step struct {
		name string
		do   func(l *life)
		want int64
	}
	status := func(code int) func(*life) { return func(l *life) { l.answer(t, code) } }
	drop := func(l *life) { _ = l.layer.Drop(l.server) }
	pass := func(l *life) { l.pass(time.Minute) }
	for _, c := range []struct {
		name   string
		method sip.Method
		steps  []step
	}{
		{"INVITE 200", sip.INVITE, []step{{"100", status(100), 2}, {"200", status(200), 0}}},
		{"INVITE 486", sip.INVITE, []step{{"180", status(180), 2}, {"486", status(486), 0}}},
		{"MESSAGE 200", sip.MESSAGE, []step{{"200", status(200), 0}}},
		{"dropped", sip.INVITE, []step{{"drop", drop, 1}, {"the end", pass, 0}}},
		{"silence", sip.MESSAGE, []step{{"the end", pass, 0}}},
		{"lost", sip.MESSAGE, []step{
			{"lost", func(l *life) { l.layer.TransportFailed(l.client.h, nil) }, 1},
		}},
		{"abandoned", sip.MESSAGE, []step{
			{"named", func(l *life) { l.client, _, _ = l.layer.Branch(nil, nil) }, 3},
			{"abandoned", func(l *life) { l.layer.Abandon(l.client) }, 2},
		}},
		{"aside", sip.MESSAGE, []step{
			{"named", func(l *life) { l.client, l.branch, _ = l.layer.Branch(nil, nil) }, 3},
			{"sent", func(l *life) {
				l.out = l.write(nil, sip.MESSAGE, l.branch)
				o := Options{Aside: true}
				if err := l.layer.Send(l.client, &l.request, l.target, l.out, o); err != nil {
					t.Fatal(err)
				}
			}, 2},
			{"answered", func(l *life) {
				var sent sip.Message
				parse(t, &sent, l.out)
				l.answered = sip.AppendReply(nil, &sent, 200, "", testTag, nil)
				parse(t, &l.response, l.answered)
				l.layer.Receive(l.flow, &l.response)
			}, 2},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLife(newYard(), "x")
			l.begin(t, c.method)
			for _, s := range append([]step{{"sent", func(*life) {}, 2}}, c.steps...) {
				s.do(l)
				if got := l.layer.Stats().Unanswered; got != s.want {
					t.Errorf("%s: %d unanswered, want %d", s.name, got, s.want)
				}
			}
		})
	}
}

// A request that is dropped late absorbs no longer than its client repeats it.
func TestDroppedLate(t *testing.T) {
	l := newLife(newYard(), "x")
	l.begin(t, sip.MESSAGE)
	l.answer(t, 100)
	l.pass(30 * time.Second)
	if err := l.layer.Drop(l.server); err != nil {
		t.Fatal(err)
	}
	if l.pass(8 * time.Second); l.layer.Stats().LiveServers != 0 {
		t.Error("it stays beyond 64·T1 and T4")
	}
}
