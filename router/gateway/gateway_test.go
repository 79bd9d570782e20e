package gateway

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sipedge/router/job"
	"sipedge/router/uac"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
)

// yard is a Registry whose time, names and answers to probes the test has in hand.
type yard struct {
	*Registry
	t      *testing.T
	now    time.Time
	names  map[string]string      // host: address; none: there is no such name
	answer func(uri string) int   // to probes; 0: silence
	asked  map[string][]time.Time // probes by URI
	ends   []func()               // of silent probes
	lookup int                    // look-ups under way
	told   []string               // states that are told
	log    bytes.Buffer
}

func newYard(t *testing.T) *yard {
	y := &yard{
		t: t, now: time.Unix(1_000_000, 0), names: map[string]string{},
		answer: func(string) int { return 200 }, asked: map[string][]time.Time{},
	}
	random := rand.New(rand.NewPCG(1, 2))
	y.Registry = New(Config{
		Resolver: y, Asker: y, Pool: y, Random: random.Uint64, Watch: true,
		Clock:   func() time.Time { return y.now },
		Log:     slog.New(slog.NewTextHandler(&y.log, nil)),
		Changed: func(s Status) { y.told = append(y.told, s.URI+" "+s.State()) },
	})
	return y
}

func (y *yard) Ask(_ *uac.Settings, r *uac.Request, wait time.Duration, then uac.Answer) {
	uri := string(r.URI)
	y.asked[uri] = append(y.asked[uri], y.now)
	if status := y.answer(uri); status != 0 {
		then(status, nil)
		return
	}
	y.ends = append(y.ends, func() { then(0, transaction.ErrTimeout) })
}

func (y *yard) Cached(dst []resolve.Hop, q resolve.Query) ([]resolve.Hop, bool, error) {
	a, ok := y.names[q.Host]
	switch {
	case !ok:
		return dst, false, nil
	case a == "none":
		return dst, true, resolve.ErrNotFound
	}
	at := netip.AddrPortFrom(netip.MustParseAddr(a), 5060)
	return append(dst, resolve.Hop{Transport: sip.UDP, Addr: at}), true, nil
}

func (y *yard) Lookup(_ context.Context, q resolve.Query) ([]resolve.Hop, error) {
	y.lookup++
	return nil, resolve.ErrBudget
}

func (y *yard) Go(f func(context.Context)) bool { f(context.Background()); return true }

// read makes the sets of a policy current.
func (y *yard) read(yaml string) *Sets {
	y.t.Helper()
	v, diags := schema.ReadData("gateways.yaml", []byte(yaml))
	if diags.HasErrors() {
		y.t.Fatal(diags)
	}
	sets, diags := y.Read(&v)
	if diags.HasErrors() {
		y.t.Fatal(diags)
	}
	y.Swap(sets, job.NewSelf(nil, []string{"edge.example"}, nil), &uac.Settings{})
	return sets
}

// pass has time pass, in which silent probes end.
func (y *yard) pass(d time.Duration) {
	for end := y.now.Add(d); ; {
		next := y.Advance(y.now)
		ends := y.ends
		y.ends = nil
		for _, end := range ends {
			end()
		}
		if next.IsZero() || next.After(end) {
			y.now = end
			return
		}
		y.now = next
	}
}

func (y *yard) choose(sets *Sets, set string, c *job.Choice) *Gateway {
	if c.Plan == 0 {
		c.Plan = sets.plan([]*Set{sets.Get(set)})
	}
	return y.Choose(sets, c.Plan, c, &Request{Now: y.now, Call: true})
}

// share is how many of n choices with different keys each gateway had.
func (y *yard) share(sets *Sets, set string, n int) map[string]int {
	count := map[string]int{}
	for i := range n {
		if g := y.choose(sets, set, &job.Choice{Seed: Seed(fmt.Appendf(nil, "call %d", i))}); g != nil {
			count[string(g.URI)]++
		}
	}
	return count
}

func (y *yard) state(set, uri string) string {
	y.t.Helper()
	for _, s := range y.List() {
		if s.Set == set && s.URI == uri {
			return s.State()
		}
	}
	y.t.Fatalf("no gateway %s in %s", uri, set)
	return ""
}

// fail has calls to a gateway end without a response.
func (y *yard) fail(g *Gateway, n int) {
	for range n {
		y.Began(g.id, sip.INVITE)
		y.Ended(g.id, sip.INVITE, nil, transaction.ErrTimeout)
	}
}

func near(got, want, within float64) bool { return math.Abs(got-want) <= within }

func TestSharesFollowWeights(t *testing.T) {
	for _, algorithm := range []string{"weighted", "hash"} {
		y := newYard(t)
		sets := y.read(`pstn: {algorithm: ` + algorithm + `, destinations: [
			{uri: "sip:10.0.0.1", weight: 70}, {uri: "sip:10.0.0.2", weight: 30},
			{uri: "sip:10.0.0.3", weight: 100, priority: 1}]}`)
		got := y.share(sets, "pstn", 10_000)
		if !near(float64(got["sip:10.0.0.1"]), 7000, 200) || got["sip:10.0.0.3"] != 0 {
			t.Errorf("%s: want 7000, 3000 and none of the second priority, got %v", algorithm, got)
		}
	}
}

func TestRoundRobinAndFirst(t *testing.T) {
	y := newYard(t)
	sets := y.read(`
ring: {algorithm: round_robin, destinations: [{uri: "sip:10.0.0.1"}, {uri: "sip:10.0.0.2"},
  {uri: "sip:10.0.0.3"}]}
first: {algorithm: first, destinations: [{uri: "sip:10.0.0.1"}, {uri: "sip:10.0.0.2"}]}`)
	if got := y.share(sets, "ring", 30); got["sip:10.0.0.1"] != 10 || got["sip:10.0.0.3"] != 10 {
		t.Errorf("round robin: %v", got)
	}
	if got := y.share(sets, "first", 30); got["sip:10.0.0.1"] != 30 {
		t.Errorf("first: %v", got)
	}
}

// A gateway that goes takes its own keys away, and no others; they come back with it.
func TestHashMovesNoOtherKeys(t *testing.T) {
	y := newYard(t)
	sets := y.read(`pstn: {algorithm: hash, destinations: [{uri: "sip:10.0.0.1"},
  {uri: "sip:10.0.0.2"},
		{uri: "sip:10.0.0.3"}, {uri: "sip:10.0.0.4"}]}`)
	of := func() (list []string) {
		for i := range 1000 {
			c := job.Choice{Seed: Seed(fmt.Appendf(nil, "call %d", i))}
			list = append(list, string(y.choose(sets, "pstn", &c).URI))
		}
		return list
	}
	before := of()
	y.SetMode("pstn", "sip:10.0.0.2", Disabled)
	for i, uri := range of() {
		if before[i] != "sip:10.0.0.2" && uri != before[i] || uri == "sip:10.0.0.2" {
			t.Fatalf("key %d moved from %s to %s", i, before[i], uri)
		}
	}
	y.SetMode("pstn", "sip:10.0.0.2", Enabled)
	if !slices.Equal(of(), before) {
		t.Error("keys did not come back")
	}
}

func TestLeastCalls(t *testing.T) {
	y := newYard(t)
	sets := y.read(`pstn: {algorithm: least_calls, destinations: [
  {uri: "sip:10.0.0.1", weight: 2}, {uri: "sip:10.0.0.2"}]}`)
	count := map[string]int{}
	for range 30 {
		g := y.choose(sets, "pstn", &job.Choice{})
		y.Began(g.id, sip.INVITE)
		count[string(g.URI)]++
	}
	if !near(float64(count["sip:10.0.0.1"]), 20, 1) {
		t.Errorf("want calls by weight, got %v", count)
	}
}

// Another is chosen until none is left, each once; then sets that follow.
func TestNextDestinations(t *testing.T) {
	y := newYard(t)
	sets := y.read(`
pstn: {destinations: [{uri: "sip:10.0.0.1"}, {uri: "sip:10.0.0.2"},
  {uri: "sip:10.0.0.3", priority: 1}]}
spare: {destinations: [{uri: "sip:10.0.0.9"}]}`)
	c := job.Choice{Plan: sets.plan([]*Set{sets.Get("pstn"), sets.Get("spare")})}
	var got []string
	for g := y.choose(sets, "", &c); g != nil; g = y.choose(sets, "", &c) {
		got = append(got, string(g.URI))
	}
	slices.Sort(got[:2])
	if want := "sip:10.0.0.1 sip:10.0.0.2 sip:10.0.0.3 sip:10.0.0.9"; strings.Join(got, " ") != want {
		t.Errorf("want %s, got %v", want, got)
	}
}

func TestLimits(t *testing.T) {
	y := newYard(t)
	sets := y.read(`pstn: {destinations: [{uri: "sip:10.0.0.1", max_calls: 2},
  {uri: "sip:10.0.0.2", rate: 3/1s, priority: 1}]}`)
	take := func() string {
		g := y.choose(sets, "pstn", &job.Choice{})
		if g == nil {
			return "none"
		}
		y.Began(g.id, sip.INVITE)
		return string(g.URI)
	}
	var got []string
	for range 6 {
		got = append(got, take())
	}
	want := []string{"sip:10.0.0.1", "sip:10.0.0.1",
		"sip:10.0.0.2", "sip:10.0.0.2", "sip:10.0.0.2", "none"}
	if !slices.Equal(got, want) {
		t.Errorf("want %v, got %v", want, got)
	}
	if y.now = y.now.Add(340 * time.Millisecond); take() != "sip:10.0.0.2" || take() != "none" {
		t.Error("want one more call after a third of the second")
	}
	y.Ended(sets.Get("pstn").gateways[0].id, sip.INVITE, nil, errors.New("gone"))
	if got := take(); got != "sip:10.0.0.1" {
		t.Errorf("a call ended, and the next went to %s", got)
	}
}

func TestProbesTakeOutAndBringBack(t *testing.T) {
	y := newYard(t)
	sets := y.read(`pstn: {destinations: [{uri: "sip:10.0.0.1"}, {uri: "sip:10.0.0.2"}],
		probe: {every: 10s, failures: 3, successes: 2}, slow_start: 60s}`)
	status := 200
	y.answer = func(uri string) int {
		if uri == "sip:10.0.0.1" {
			return status
		}
		return 200
	}
	for _, c := range []struct {
		status int
		rounds time.Duration
		want   string
	}{
		{200, 3, "up"}, {404, 3, "up"}, {0, 2, "up"}, {200, 1, "up"}, {0, 2, "up"}, {0, 1, "down"},
		{200, 1, "down"}, {503, 1, "down"}, {200, 1, "down"}, {200, 1, "up"}, {408, 3, "down"},
	} {
		status = c.status
		y.pass(c.rounds * 10 * time.Second)
		if got := y.state("pstn", "sip:10.0.0.1"); got != c.want {
			t.Fatalf("after %d of %d: want %s, got %s", c.rounds, c.status, c.want, got)
		}
	}
	y.SetMode("pstn", "sip:10.0.0.2", Drained)
	y.SetMode("pstn", "sip:10.0.0.2", Enabled)
	want := []string{
		"sip:10.0.0.1 down", "sip:10.0.0.1 up", "sip:10.0.0.1 down",
		"sip:10.0.0.2 drained", "sip:10.0.0.2 up",
	}
	if !slices.Equal(y.told, want) {
		t.Errorf("told %q, want %q", y.told, want)
	}
	if got := y.share(sets, "pstn", 1000); got["sip:10.0.0.1"] != 0 {
		t.Errorf("down, and chosen: %v", got)
	}
	status = 200
	y.pass(20 * time.Second)
	early := y.share(sets, "pstn", 1000)["sip:10.0.0.1"]
	y.pass(60 * time.Second)
	late := y.share(sets, "pstn", 1000)["sip:10.0.0.1"]
	if early == 0 || early > 300 || late < 400 {
		t.Errorf("want a slow start, got %d and then %d of 1000", early, late)
	}
}

// Calls take a gateway out, and when it is not probed, one that is tried brings it back.
func TestCallsTakeOutAndBringBack(t *testing.T) {
	y := newYard(t)
	sets := y.read(`pstn: {destinations: [{uri: "sip:10.0.0.1"}],
  passive: {failures: 2, codes: [5xx], retry: 30s}}`)
	g := sets.Get("pstn").gateways[0]
	answer := func(status string) {
		var m sip.Message
		if err := m.Parse([]byte("SIP/2.0 " + status + " x\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n" +
			"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n" +
			"Call-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		y.Began(g.id, sip.INVITE)
		y.Ended(g.id, sip.INVITE, &m, nil)
	}
	y.fail(g, 1)
	answer("486")
	answer("500")
	if got := y.state("pstn", "sip:10.0.0.1"); got != "up" {
		t.Fatalf("failures that do not follow each other: %s", got)
	}
	y.fail(g, 1)
	if got := y.state("pstn", "sip:10.0.0.1"); got != "down" ||
		y.choose(sets, "pstn", &job.Choice{}) != nil {
		t.Fatalf("two in a row: %s", got)
	}
	y.now = y.now.Add(31 * time.Second)
	if y.choose(sets, "pstn", &job.Choice{}) == nil || y.choose(sets, "pstn", &job.Choice{}) != nil {
		t.Fatal("want one call to try it, and no other")
	}
	y.fail(g, 1)
	y.now = y.now.Add(29 * time.Second)
	if y.choose(sets, "pstn", &job.Choice{}) != nil {
		t.Fatal("tried again too early")
	}
	y.now = y.now.Add(2 * time.Second)
	if y.choose(sets, "pstn", &job.Choice{}) == nil {
		t.Fatal("not tried again")
	}
	if answer("200"); y.state("pstn", "sip:10.0.0.1") != "up" {
		t.Error("it answered, and is not up")
	}
	if n := y.List()[0].Calls; n != 0 {
		t.Errorf("%d calls are left", n)
	}
}

func TestNamesWithoutAddress(t *testing.T) {
	y := newYard(t)
	y.names["gw1.example"] = "10.0.0.1"
	y.read(`pstn: {destinations: [{uri: "sip:gw1.example"}, {uri: "sip:gw2.example"}]}`)
	y.pass(2 * time.Second)
	if a, b := y.state("pstn", "sip:gw1.example"), y.state("pstn", "sip:gw2.example"); a != "up" ||
		b != "unresolved" || y.lookup == 0 {
		t.Errorf("want up and unresolved, got %s and %s after %d look-ups", a, b, y.lookup)
	}
	y.names["gw1.example"], y.names["gw2.example"] = "none", "10.0.0.2"
	y.pass(2 * time.Second)
	a, b := y.state("pstn", "sip:gw1.example"), y.state("pstn", "sip:gw2.example")
	if a != "unresolved" ||
		b != "up" {
		t.Errorf("want unresolved and up, got %s and %s", a, b)
	}
	log := y.log.String()
	for line, want := range map[string]int{
		`level=WARN msg="gateway not found: its name has no address" set=pstn`: 2,
		`level=INFO msg="gateway found" set=pstn gateway=sip:gw2.example`:      1,
	} {
		if n := strings.Count(log, line); n != want {
			t.Errorf("%d times %s, want %d, in\n%s", n, line, want, log)
		}
	}
}

// A reload keeps what is known of gateways that stay.
// Where gateways stand is known of addresses at once, of names when they are found.
func TestWhereGatewaysStand(t *testing.T) {
	y := newYard(t)
	sets := y.read(`{pstn: {destinations: [
  {uri: "sip:192.0.2.1"}, {uri: "sip:gw.example"}, {uri: "sip:127.0.0.1:5070"}]}}`)
	stands := func(at string) bool {
		to := netip.MustParseAddrPort(at)
		return sets.At(to, to.Addr().IsLoopback())
	}
	if !stands("192.0.2.1:5060") || stands("192.0.2.2:5060") {
		t.Errorf("before the name is found: want the address alone")
	}
	y.names["gw.example"] = "192.0.2.2"
	y.pass(time.Minute)
	for at, want := range map[string]bool{
		"192.0.2.1:5060": true, "[::ffff:192.0.2.1]:5080": true, "192.0.2.2:5060": true,
		"192.0.2.2:9": true, "192.0.2.3:5060": false,
		"127.0.0.1:5070": true, "127.0.0.1:5060": false,
	} {
		if got := stands(at); got != want {
			t.Errorf("%s: got %v, want %v", at, got, want)
		}
	}
}

func TestReload(t *testing.T) {
	y := newYard(t)
	const two = `pstn: {destinations: [{uri: "sip:10.0.0.1"}, {uri: "sip:10.0.0.2"}],
  probe: {every: 10s}}`
	sets := y.read(two)
	y.fail(sets.Get("pstn").gateways[0], 3)
	y.SetMode("pstn", "sip:10.0.0.2", Drained)
	y.pass(5 * time.Second)
	asked := len(y.asked["sip:10.0.0.1"]) + len(y.asked["sip:10.0.0.2"])
	for range 20 { // reloads neither add probes nor put them off
		y.read(two)
		y.pass(time.Second)
	}
	if got := len(y.asked["sip:10.0.0.1"]) + len(y.asked["sip:10.0.0.2"]) - asked; got != 4 {
		t.Errorf("want 4 probes of two in 20 s with reloads, got %d", got)
	}
	y.read(`pstn: {destinations: [{uri: "sip:10.0.0.2", weight: 9}]}`)
	if got := y.List(); len(got) != 1 || got[0].State() != "drained" || got[0].Weight != 9 {
		t.Errorf("after a reload: %+v", got)
	}
}

// The probes of a thousand gateways are spread evenly over the time, and cost no more.
func TestProbesAreSpread(t *testing.T) {
	y := newYard(t)
	var b strings.Builder
	b.WriteString("pstn:\n  probe: {every: 10s}\n  destinations:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "    - {uri: \"sip:10.0.%d.%d\"}\n", i/250, i%250+1)
	}
	y.read(b.String())
	start := y.now
	y.pass(60 * time.Second)
	slots := make([]int, 600) // of 100 ms
	for uri, times := range y.asked {
		if len(times) != 6 {
			t.Fatalf("%s: %d probes in a minute, want 6", uri, len(times))
		}
		for _, at := range times {
			slots[min(int(at.Sub(start)/(100*time.Millisecond)), 599)]++
		}
	}
	if most, least := slices.Max(slots), slices.Min(slots); most > 12 || least < 8 {
		t.Errorf("want about 10 probes in every 100 ms, got %d to %d", least, most)
	}
}

func TestChoiceAllocatesNothing(t *testing.T) {
	for algorithm := range algorithms {
		y := newYard(t)
		sets := y.read(`pstn: {algorithm: ` + cmp.Or(algorithm, "weighted") +
			`, destinations: [{uri: "sip:10.0.0.1"}, {uri: "sip:10.0.0.2", rate: 1000000/1s}]}`)
		plan := sets.plan([]*Set{sets.Get("pstn")})
		if n := testing.AllocsPerRun(100, func() {
			y.choose(sets, "pstn", &job.Choice{Plan: plan})
		}); n != 0 {
			t.Errorf("%q: %v allocations", algorithm, n)
		}
	}
}

func TestBadSets(t *testing.T) {
	for _, c := range []struct {
		yaml string
		want schema.Code
	}{
		{`a: {destinations: [{uri: "sip:10.0.0.1"}, {uri: "sip:10.0.0.1"}]}`, schema.BadGateway},
		{`a: {destinations: [{uri: "sip:10.0.0.1;transport=nonsense"}]}`, schema.BadGateway},
		{`a: {destinations: [{uri: "sip:"}]}`, schema.BadURI},
		{`a: {destinations: [{uri: "sip:10.0.0.1", rate: 0/1s}]}`, schema.OutOfRange},
		{`a: {destinations: [{uri: "sip:10.0.0.1"}], probe: {every: 100ms}}`, schema.OutOfRange},
		{
			`a: {destinations: [{uri: "sip:10.0.0.1"}], probe: {every: 5s, timeout: 5s}}`,
			schema.OutOfRange,
		},
	} {
		v, _ := schema.ReadData("gateways.yaml", []byte(c.yaml))
		if _, diags := newYard(t).Read(&v); len(diags) != 1 || diags[0].Code != c.want {
			t.Errorf("%s: want one SE%d, got %v", c.yaml, c.want, diags)
		}
	}
}

// An answered call that stays on the path of the server is one until its BYE, from either side.
func TestCallLastsUntilBYE(t *testing.T) {
	message := func(start, fromTag, toTag, cseq, more string) *sip.Message {
		m := new(sip.Message)
		if err := m.Parse([]byte(start + "\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n" +
			"From: <sip:a@b>;tag=" + fromTag + "\r\nTo: <sip:c@d>;tag=" + toTag +
			"\r\nCall-ID: 1\r\nCSeq: " + cseq + "\r\n" + more + "\r\n")); err != nil {
			t.Fatal(err)
		}
		return m
	}
	const (
		ours   = "Record-Route: <sip:edge.example;lr>\r\n"
		theirs = "Record-Route: <sip:other.example;lr>\r\n"
	)
	for _, c := range []struct {
		name, route string
		answered    int64
	}{{"on the path", ours, 1}, {"behind another", theirs + ours, 1}, {"not on it", theirs, 0}} {
		y := newYard(t)
		g := y.read(`pstn: {destinations: [{uri: "sip:10.0.0.1"}]}`).Get("pstn").gateways[0]
		for range 2 { // the second is a re-INVITE, and no call
			y.Began(g.id, sip.INVITE)
			y.Ended(g.id, sip.INVITE, message("SIP/2.0 200 OK", "x", "y", "1 INVITE", c.route), nil)
		}
		if n := y.List()[0].Calls; n != c.answered {
			t.Errorf("%s: %d calls, want %d", c.name, n, c.answered)
		}
		y.Hear(message("BYE sip:a@b SIP/2.0", "other", "x", "1 BYE", ""))
		if n := y.List()[0].Calls; n != c.answered {
			t.Errorf("%s: the BYE of another dialog left %d calls", c.name, n)
		}
		y.Hear(message("BYE sip:a@b SIP/2.0", "y", "x", "1 BYE", ""))
		y.Hear(message("BYE sip:a@b SIP/2.0", "y", "x", "1 BYE", ""))
		if n := y.List()[0].Calls; n != 0 {
			t.Errorf("%s: %d calls after its BYE", c.name, n)
		}
	}
}

// A call without a BYE is let go of, also where nothing is probed or looked up.
func TestCallsAgeWithoutProbes(t *testing.T) {
	for _, probe := range []string{"", "probe: {}, "} {
		y := newYard(t)
		g := y.read(`pstn: {` + probe + `destinations: [{uri: "sip:10.0.0.1"}]}`).
			Get("pstn").gateways[0]
		y.pass(time.Second)
		var m sip.Message
		if err := m.Parse([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n" +
			"Record-Route: <sip:edge.example;lr>\r\nFrom: <sip:a@b>;tag=1\r\n" +
			"To: <sip:c@d>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		y.Began(g.id, sip.INVITE)
		y.Ended(g.id, sip.INVITE, &m, nil)
		for _, want := range []int64{1, 0} {
			if y.pass(halfLife + time.Minute); g.State.calls.Load() != want {
				t.Errorf("%q: %d calls, want %d", probe, g.State.calls.Load(), want)
			}
		}
	}
}

// Dialogs have the same names after what was known is put back: messages read them meanwhile.
func TestRestoreKeepsNames(t *testing.T) {
	y := newYard(t)
	var m sip.Message
	if err := m.Parse([]byte("BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n" +
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n"),
	); err != nil {
		t.Fatal(err)
	}
	before := y.calls.dialog(&m)
	if y.Snapshot()(); y.calls.dialog(&m) != before {
		t.Error("a dialog has another name")
	}
}

// A call without a BYE is let go of.
func TestCallsAge(t *testing.T) {
	var c calls
	c.forget()
	s := new(State)
	s.calls.Store(1)
	c.young[1] = s
	now := time.Unix(0, 0)
	for _, want := range []int64{1, 1, 0} {
		if c.age(now); s.calls.Load() != want {
			t.Fatalf("after %v: %d calls, want %d", now.Sub(time.Unix(0, 0)), s.calls.Load(), want)
		}
		now = now.Add(halfLife)
	}
}
