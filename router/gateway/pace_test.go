package gateway

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

const ms = time.Millisecond

// paced are n gateways of one weight, sip:10.0.0.1 first, chosen by latency.
func (y *yard) paced(n int, more string) *Sets {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{uri: \"sip:10.0.0.%d\"},", i+1)
	}
	return y.read("pstn: {algorithm: latency, " + more + "destinations: [" + b.String() + "]}")
}

// answers has gateways, in their order, answer a request each after so long.
func (y *yard) answers(sets *Sets, after ...time.Duration) {
	for i, after := range after {
		y.Answered(sets.Get("pstn").gateways[i].id, 200, y.now, after)
	}
}

// shares are how often each of n gateways was chosen, in their order.
func shares(got map[string]int, n int) (list []int) {
	for i := range n {
		list = append(list, got[fmt.Sprintf("sip:10.0.0.%d", i+1)])
	}
	return list
}

// every is a source of chance that comes to every pair of two draws once: values below first, and
// below second, in steps.
func every(first, second, step uint64) (random func() uint64, pairs int) {
	a, b := first/step, second/step
	var n uint64
	return func() uint64 {
		defer func() { n++ }()
		if n%2 == 0 {
			return n / 2 / b % a * step
		}
		return n / 2 % b * step
	}, int(a * b)
}

// Of two both are drawn, and the faster gets all, whatever chance and weights say.
func TestFasterOfTwo(t *testing.T) {
	y := newYard(t)
	sets := y.read(`pstn: {algorithm: latency, destinations: [
		{uri: "sip:10.0.0.1", weight: 1000}, {uri: "sip:10.0.0.2"}]}`)
	y.answers(sets, 30*ms, 20*ms)
	if got := shares(y.share(sets, "pstn", 1000), 2); got[1] != 1000 {
		t.Errorf("the second answers faster, and chosen are %v", got)
	}
	if got := y.List(); got[0].Pace != 30*ms || got[1].Pace != 20*ms {
		t.Errorf("told: %v and %v", got[0].Pace, got[1].Pace)
	}
	c := job.Choice{}
	first, next := y.choose(sets, "pstn", &c), y.choose(sets, "pstn", &c)
	if string(first.URI) != "sip:10.0.0.2" || string(next.URI) != "sip:10.0.0.1" {
		t.Errorf("chosen is %s, and then %s", first.URI, next.URI)
	}
}

// Of more the shares are those of the draws: over all that chance may do they are exact.
func TestFasterOfThree(t *testing.T) {
	for _, c := range []struct {
		weights [3]int
		first   uint64 // the sum of the weights, in thousandths
		second  uint64 // a multiple of what is left of it whichever is drawn first
		want    string
	}{
		// Pairs {1 2}, {1 3}, {2 3}: a third each.
		{[3]int{1, 1, 1}, 3000, 2000, "[4 2 0]"},
		// The first and the second draw, which leaves 1 or 3 of 4, in twelfths of a quarter.
		{[3]int{2, 1, 1}, 4000, 6000, "[20 4 0]"},
		{[3]int{1, 1, 2}, 4000, 6000, "[14 10 0]"},
	} {
		y := newYard(t)
		sets := y.read(fmt.Sprintf(`pstn: {algorithm: latency, destinations: [
			{uri: "sip:10.0.0.1", weight: %d}, {uri: "sip:10.0.0.2", weight: %d},
			{uri: "sip:10.0.0.3", weight: %d}]}`, c.weights[0], c.weights[1], c.weights[2]))
		y.answers(sets, 10*ms, 20*ms, 30*ms)
		var pairs int
		y.cfg.Random, pairs = every(c.first, c.second, 1000)
		got := fmt.Sprint(shares(y.share(sets, "pstn", pairs), 3))
		if got != c.want {
			t.Errorf("weights %v: shares %s of %d, want %s", c.weights, got, pairs, c.want)
		}
	}
}

// The fastest gets no more than what draws it, though all know that it is the fastest.
func TestNoHerdOnTheFastest(t *testing.T) {
	y := newYard(t)
	sets := y.paced(10, "")
	for i := range 10 {
		y.Answered(sets.Get("pstn").gateways[i].id, 200, y.now, time.Duration(i+1)*ms)
	}
	got := shares(y.share(sets, "pstn", 9000), 10)
	for i, n := range got { // of 90 pairs 2·(9-i) have it as the faster
		if want := 200 * (9 - i); !near(float64(n), float64(want), 120) {
			t.Errorf("number %d: %d of 9000, want about %d; all: %v", i+1, n, want, got)
		}
	}
}

// traffic has n requests choose, 10 ms apart, and the gateways answer by the time each takes.
func (y *yard) traffic(sets *Sets, n int, takes ...time.Duration) []int {
	got := map[string]int{}
	for range n {
		g := y.choose(sets, "pstn", &job.Choice{})
		got[string(g.URI)]++
		for i, one := range sets.Get("pstn").gateways {
			if one == g {
				y.Answered(g.id, 200, y.now, takes[i])
			}
		}
		y.now = y.now.Add(10 * ms)
	}
	return shares(got, len(takes))
}

// One that becomes slow is left within few answers, tried by one request each 20 s, and comes back
// with the one that it answers fast.
func TestSlowIsLeftAndTried(t *testing.T) {
	y := newYard(t)
	sets := y.paced(2, "")
	if got := y.traffic(sets, 500, 10*ms, 20*ms); got[1] != 1 {
		t.Fatalf("the second is slower, and but tried: %v", got)
	}
	if got := y.traffic(sets, 500, 100*ms, 20*ms); got[0] > 2 || got[0] == 0 {
		t.Errorf("the first is slow now, and had %v", got)
	}
	if got := y.traffic(sets, 6000, 100*ms, 20*ms); got[0] < 2 || got[0] > 3 {
		t.Errorf("in a minute the slow one was tried by %d", got[0])
	}
	if got := y.traffic(sets, 4000, 10*ms, 20*ms); got[0] < 2000 {
		t.Errorf("the first is fast again, and had %v", got)
	}
}

// What is new is tried by one request, and not by those that come before its answer.
func TestUnknownIsTried(t *testing.T) {
	y := newYard(t)
	sets := y.paced(2, "")
	y.answers(sets, 10*ms)
	if got := shares(y.share(sets, "pstn", 100), 2); got[1] != 1 {
		t.Errorf("of the one that never answered: %v", got)
	}
	y.now = y.now.Add(lately)
	y.answers(sets, 10*ms)
	if got := shares(y.share(sets, "pstn", 100), 2); got[1] != 1 {
		t.Errorf("after %v: %v", lately, got)
	}
	y.answers(sets, 10*ms, 5*ms)
	if got := shares(y.share(sets, "pstn", 100), 2); got[1] != 100 {
		t.Errorf("it answered faster: %v", got)
	}
}

// The next request tries what is not known, drawn first or second.
func TestNextTriesUnknown(t *testing.T) {
	for unknown := range 2 {
		y := newYard(t)
		sets := y.paced(2, "")
		y.Answered(sets.Get("pstn").gateways[1-unknown].id, 200, y.now, ms)
		y.cfg.Random = func() uint64 { return 0 }
		for _, want := range []int{unknown, 1 - unknown} {
			if g := y.choose(sets, "pstn", &job.Choice{}); g != sets.Get("pstn").gateways[want] {
				t.Errorf("number %d is not known, and %s was chosen", unknown+1, g.URI)
			}
		}
	}
}

// While nobody is known chance and weights choose.
func TestNobodyIsKnown(t *testing.T) {
	y := newYard(t)
	sets := y.read(`pstn: {algorithm: latency, destinations: [
		{uri: "sip:10.0.0.1", weight: 70}, {uri: "sip:10.0.0.2", weight: 30},
		{uri: "sip:10.0.0.3", weight: 100, priority: 1}]}`)
	got := shares(y.share(sets, "pstn", 10_000), 3)
	if !near(float64(got[0]), 7000, 200) || got[2] != 0 {
		t.Errorf("want 7000, 3000 and none of the second priority, got %v", got)
	}
}

// Who fails is slow, however soon he does.
func TestFailuresAreSlow(t *testing.T) {
	refusal := new(sip.Message)
	if err := refusal.Parse([]byte("SIP/2.0 503 x\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n" +
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
	)); err != nil {
		t.Fatal(err)
	}
	ours := fmt.Errorf("%w: %w", transaction.ErrTransport, transport.ErrTooLarge)
	for _, c := range []struct {
		name string
		m    *sip.Message
		err  error
		want time.Duration
	}{
		{"a refusal", refusal, nil, slowest},
		{"no response", nil, transaction.ErrTimeout, slowest},
		{"not reachable", nil, transaction.ErrTransport, slowest},
		{"no room here", nil, ours, 0},
		{"given up", nil, errors.New("gone"), 0},
	} {
		for _, failures := range []int{0, 3} { // whether calls take gateways out or not
			y := newYard(t)
			sets := y.paced(2, fmt.Sprintf("passive: {failures: %d, codes: [5xx]}, ", failures))
			g := sets.Get("pstn").gateways[0]
			y.Began(g.id, sip.INVITE)
			if c.m != nil {
				y.Answered(g.id, c.m.Status(), y.now, ms)
			}
			y.Ended(g.id, sip.INVITE, c.m, c.err)
			if got := y.List()[0].Pace; got != c.want {
				t.Errorf("%s counts as %v, want %v", c.name, got, c.want)
			}
		}
	}
}

// Probes tell as requests do; those without an answer, and bad answers, count as slow.
func TestProbesTellHowFast(t *testing.T) {
	y := newYard(t)
	sets := y.paced(3, "probe: {every: 10s, failures: 100}, ")
	y.answer = func(uri string) int {
		switch uri {
		case "sip:10.0.0.1":
			y.now = y.now.Add(30 * ms)
			return 200
		case "sip:10.0.0.2":
			return 503
		}
		return 0
	}
	y.pass(11 * time.Second)
	list := y.List()
	if list[0].Pace != 30*ms || list[1].Pace != slowest || list[2].Pace != slowest {
		t.Errorf("after a probe each: %v, %v, %v", list[0].Pace, list[1].Pace, list[2].Pace)
	}
	if got := shares(y.share(sets, "pstn", 3000), 3); !near(float64(got[0]), 2000, 100) {
		t.Errorf("who answers is drawn by two thirds, and had %v", got)
	}
}

// A gateway that comes back begins anew: its silence says nothing of how fast it is.
func TestPaceBeginsAnew(t *testing.T) {
	y := newYard(t)
	sets := y.paced(2, "probe: {every: 10s, failures: 1, successes: 1}, ")
	status := 0
	y.answer = func(uri string) int {
		if uri == "sip:10.0.0.1" {
			return status
		}
		return 200
	}
	y.pass(20 * time.Second)
	if y.state("pstn", "sip:10.0.0.1") != "down" || y.List()[0].Pace != slowest {
		t.Fatalf("want down and slow: %+v", y.List()[0])
	}
	status = 200
	y.pass(10 * time.Second)
	if y.state("pstn", "sip:10.0.0.1") != "up" || y.List()[0].Pace > ms {
		t.Errorf("want up and fast: %+v", y.List()[0])
	}
	y.answers(sets, 0, 20*ms)
	if got := shares(y.share(sets, "pstn", 100), 2); got[0] != 100 {
		t.Errorf("it is fast, and had %v", got)
	}
}

// One that is down and not probed is tried by one request when it is time, however slow it was.
func TestSlowThatIsDownIsTried(t *testing.T) {
	y := newYard(t)
	sets := y.paced(2, "passive: {failures: 1, retry: 5s}, ")
	y.answers(sets, 10*ms, 20*ms)
	y.fail(sets.Get("pstn").gateways[0], 1)
	for _, want := range []int{0, 1, 1} {
		if got := shares(y.share(sets, "pstn", 100), 2); got[0] != want {
			t.Errorf("tried by %d, want %d", got[0], want)
		}
		y.now = y.now.Add(5 * time.Second)
	}
}

// How an answer counts: an eighth of many, more the longer none came, alone after 20 s.
func TestSmoothing(t *testing.T) {
	for _, c := range []struct {
		name  string
		past  time.Duration
		after time.Duration
		want  time.Duration
	}{
		{"at once", 0, 90 * ms, 20 * ms}, {"a second later", time.Second, 90 * ms, 20 * ms},
		{"a probe later", 10 * time.Second, 90 * ms, 50 * ms},
		{"long after", lately, 90 * ms, 90 * ms}, {"a clock set back", -time.Hour, 90 * ms, 20 * ms},
		{"a minute", lately, time.Minute, slowest}, {"no time", lately, 0, 1},
	} {
		var p pace
		now := time.Unix(1_000_000, 0)
		p.took(10*ms, now)
		p.took(c.after, now.Add(c.past))
		if got := time.Duration(p.mean.Load()); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// What requests of a trial tell is put back with the rest.
func TestPaceIsPutBack(t *testing.T) {
	y := newYard(t)
	sets := y.paced(2, "")
	y.answers(sets, 10*ms, 20*ms)
	restore := y.Snapshot()
	y.now = y.now.Add(lately)
	y.answers(sets, 40*ms)
	y.share(sets, "pstn", 10)
	restore()
	y.now = y.now.Add(-lately)
	if got := shares(y.share(sets, "pstn", 100), 2); got[0] != 100 || y.List()[0].Pace != 10*ms {
		t.Errorf("chosen are %v, the first takes %v", got, y.List()[0].Pace)
	}
}
