package resolve

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"sipedge/sip"
)

// What no zone of a server of repute has, and how long answers made of several records live.
// The cases of RFC 3263 by a real server are in named_test.go.

func TestLifeOfAnAnswer(t *testing.T) {
	for _, test := range []struct {
		name string
		zone map[string][]string
		want time.Duration
	}{
		{"the shortest of all", map[string][]string{
			"x.example NAPTR":         {`x.example. 50 IN NAPTR 1 1 "s" "SIP+D2U" "" _sip._udp.x.example.`},
			"_sip._udp.x.example SRV": {"_sip._udp.x.example. 40 IN SRV 1 1 5070 a.x.example."},
			"a.x.example A":           {"a.x.example. 45 IN A 192.0.2.1"},
		}, 40 * time.Second},
		{"that there is none counts", map[string][]string{
			"x.example A": {"x.example. 45 IN A 192.0.2.1"}, // the SOA has 30
		}, 30 * time.Second},
		{"one server is missing", map[string][]string{
			"_sip._udp.x.example SRV": {"_sip._udp.x.example. 40 IN SRV 1 1 5070 a.x.example.",
				"_sip._udp.x.example. 40 IN SRV 2 1 5070 b.x.example."},
			"a.x.example A": {"a.x.example. 45 IN A 192.0.2.1"},
		}, 30 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, ck := resolver(t, Config{Families: IPv4Only}, serve(t, test.zone))
			q := Query{Host: "x.example"}
			if _, err := r.Lookup(context.Background(), q); err != nil {
				t.Fatal(err)
			}
			ck.move(test.want - 1)
			if _, ok, _ := r.Cached(nil, q); !ok {
				t.Errorf("gone before %v", test.want)
			}
			ck.move(1)
			if _, ok, _ := r.Cached(nil, q); ok {
				t.Errorf("still there after %v", test.want)
			}
		})
	}
}

// A server that says "none" without a SOA is not asked for each call.
func TestNoneWithoutSOA(t *testing.T) {
	s := serve(t, map[string][]string{"x.example A": {"x.example. 45 IN A 192.0.2.1"}})
	s.on(func(w dns.ResponseWriter, m *dns.Msg) bool {
		if m.Question[0].Qtype == dns.TypeA {
			return false
		}
		_ = w.WriteMsg(new(dns.Msg).SetReply(m))
		return true
	})
	r, ck := resolver(t, Config{Families: IPv4Only}, s)
	q := Query{Host: "x.example"}
	if _, err := r.Lookup(context.Background(), q); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := r.Cached(nil, q); !ok {
		t.Error("not kept at all")
	}
	ck.move(failureTTL)
	if _, ok, _ := r.Cached(nil, q); ok {
		t.Error("kept for longer than a failure")
	}
}

// Of a name that does not exist nothing more is asked.
func TestNamelessIsAskedOnce(t *testing.T) {
	s := serve(t, map[string][]string{})
	r, _ := resolver(t, Config{}, s)
	if _, err := r.Lookup(context.Background(), Query{Host: "x.example"}); err != ErrNotFound {
		t.Errorf("error %v, want ErrNotFound", err)
	}
	if n := s.count(""); n != 1 {
		t.Errorf("%d questions, want 1", n)
	}
}

// That an alias leads nowhere says nothing of what is below the name that has it, RFC 6604 §3.
func TestAliasOfNothing(t *testing.T) {
	s := serve(t, map[string][]string{
		"_sip._udp.x.example SRV": {"_sip._udp.x.example. 45 IN SRV 1 1 5070 a.example."},
		"a.example A":             {a1},
	})
	s.on(func(w dns.ResponseWriter, m *dns.Msg) bool {
		if m.Question[0].Name != "x.example." {
			return false
		}
		alias, _ := dns.NewRR("x.example. 45 IN CNAME gone.example.")
		reply := new(dns.Msg).SetRcode(m, dns.RcodeNameError)
		reply.Answer = append(reply.Answer, alias)
		_ = w.WriteMsg(reply)
		return true
	})
	r, _ := resolver(t, Config{Families: IPv4Only}, s)
	got, err := r.Lookup(context.Background(), Query{Host: "x.example"})
	if err != nil || len(got) != 1 || got[0].Addr.Port() != 5070 {
		t.Errorf("%v, %v", hops(got), err)
	}
}

// Records that fail are no records that are not there: what they say is not known.
func TestFailureIsNoAbsence(t *testing.T) {
	for _, failing := range []uint16{dns.TypeNAPTR, dns.TypeSRV, dns.TypeA} {
		s := serve(t, map[string][]string{"x.example A": {"x.example. 45 IN A 192.0.2.1"}})
		s.on(func(w dns.ResponseWriter, m *dns.Msg) bool {
			if m.Question[0].Qtype != failing {
				return false
			}
			_ = w.WriteMsg(new(dns.Msg).SetRcode(m, dns.RcodeServerFailure))
			return true
		})
		r, _ := resolver(t, Config{Families: IPv4Only}, s)
		_, err := r.Lookup(context.Background(), Query{Host: "x.example"})
		if !errors.Is(err, ErrServers) {
			t.Errorf("%s fails: error %v, want ErrServers", dns.TypeToString[failing], err)
		}
	}
}

func TestManyServersAreCutOff(t *testing.T) {
	zone := map[string][]string{}
	for _, service := range []string{"_sip._udp", "_sip._tcp"} {
		key := service + ".x.example SRV"
		for i := range 2 * maxServers {
			zone[key] = append(zone[key], fmt.Sprintf(
				"%s.x.example. 60 IN SRV %d 1 5060 a%d.x.example.", service, i/10, i))
			zone[fmt.Sprintf("a%d.x.example A", i)] = []string{
				fmt.Sprintf("a%d.x.example. 60 IN A 192.0.2.%d", i, i)}
		}
	}
	s := serve(t, zone)
	s.on(func(w dns.ResponseWriter, m *dns.Msg) bool {
		if !overUDP(w) || m.Question[0].Qtype != dns.TypeSRV {
			return false
		}
		reply := new(dns.Msg).SetReply(m)
		reply.Truncated = true
		_ = w.WriteMsg(reply)
		return true
	})
	r, _ := resolver(t, Config{Families: IPv4Only}, s)
	got, err := r.Lookup(context.Background(), Query{Host: "x.example"})
	if err != nil || len(got) != maxServers {
		t.Errorf("%d hops, error %v, want %d", len(got), err, maxServers)
	}
}

// weighed makes a resolver that draws by a seed, so that a test does not fail now and then.
func weighed() *Resolver {
	source := rand.New(rand.NewPCG(1, 2))
	return New(Config{Hosts: "/dev/null", Rand: source.Uint64N})
}

// TestWeights: 10,000 picks are spread as RFC 2782 says, by a chi-square test.
func TestWeights(t *testing.T) {
	const picks = 10000
	for _, test := range []struct {
		weights  []uint16
		chances  []float64
		critical float64 // of chi-square at p = 0.01
	}{
		{[]uint16{10, 30, 60}, []float64{.1, .3, .6}, 9.21},
		{[]uint16{1, 1, 1, 1}, []float64{.25, .25, .25, .25}, 11.34},
		{[]uint16{0, 0, 0}, []float64{1. / 3, 1. / 3, 1. / 3}, 9.21},
		{[]uint16{0, 3, 6}, []float64{.1, .3, .6}, 9.21},
		{[]uint16{0, 0, 3, 6}, []float64{.05, .05, .3, .6}, 11.34},
		{[]uint16{65535, 1}, []float64{65535. / 65536, 1. / 65536}, 6.63},
	} {
		r := weighed()
		var places []place
		for i, w := range test.weights {
			addr := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
			hop := Hop{Transport: sip.UDP, Addr: netip.AddrPortFrom(addr, 5060)}
			places = append(places, place{0, w, []Hop{hop}})
		}
		seen := make([]float64, len(places))
		for range picks {
			got := r.draw(nil, places, 0)
			seen[got[0].Addr.Addr().As4()[3]]++
			if len(got) != len(places) {
				t.Fatalf("weights %v: %d of %d hops", test.weights, len(got), len(places))
			}
		}
		chi := 0.0
		for i, p := range test.chances {
			d := seen[i] - picks*p
			chi += d * d / (picks * p)
		}
		if chi > test.critical {
			t.Errorf("weights %v: %v of %d, chi-square %.2f > %.2f",
				test.weights, seen, picks, chi, test.critical)
		}
	}
}

// TestSeed: what has a seed comes in one order, whatever that of the records, and seeds are spread
// as the weights say.
func TestSeed(t *testing.T) {
	const picks = 10000
	zone := map[string][]string{
		"_sip._udp.x.example SRV": {
			"_sip._udp.x.example. 60 IN SRV 1 0 5060 none.x.example.",
			"_sip._udp.x.example. 60 IN SRV 1 30 5060 a.x.example.",
			"_sip._udp.x.example. 60 IN SRV 1 69 5060 b.x.example.",
			"_sip._udp.x.example. 60 IN SRV 2 1 5060 last.x.example.",
		},
		"none.x.example A": {"none.x.example. 60 IN A 192.0.2.1"},
		"a.x.example A":    {"a.x.example. 60 IN A 192.0.2.2"},
		"b.x.example A":    {"b.x.example. 60 IN A 192.0.2.3", "b.x.example. 60 IN A 192.0.2.4"},
		"b.x.example AAAA": {"b.x.example. 60 IN AAAA 2001:db8::1",
			"b.x.example. 60 IN AAAA 2001:db8::2"},
		"last.x.example A": {"last.x.example. 60 IN A 192.0.2.9"},
	}
	turned := map[string][]string{}
	for k, list := range zone {
		turned[k] = slices.Clone(list)
		slices.Reverse(turned[k])
	}
	q := Query{Host: "x.example", Transport: sip.UDP}
	var rs []*Resolver
	for _, z := range []map[string][]string{zone, turned} {
		r, _ := resolver(t, Config{}, serve(t, z))
		if got, err := r.Lookup(context.Background(), q); len(got) != 7 || err != nil {
			t.Fatalf("%v, %v", hops(got), err)
		}
		rs = append(rs, r)
	}
	seen, second := map[string]float64{}, map[string]float64{}
	for seed := range uint64(picks) {
		q.Seed = seed + 1
		want, _, _ := rs[0].Cached(nil, q)
		for _, r := range rs {
			if got, _, _ := r.Cached(nil, q); !slices.Equal(got, want) {
				t.Fatalf("seed %d: %v and %v", q.Seed, hops(got), hops(want))
			}
			if got, _ := r.Lookup(context.Background(), q); !slices.Equal(got, want) {
				t.Fatalf("seed %d, looked up: %v and %v", q.Seed, hops(got), hops(want))
			}
		}
		if last := want[6].Addr.Addr().String(); last != "192.0.2.9" {
			t.Fatalf("seed %d: %v", q.Seed, hops(want))
		}
		first := want[0].Addr.Addr().String()
		if first == "192.0.2.3" || first == "192.0.2.4" {
			if a := want[2].Addr.Addr(); !a.Is6() {
				t.Fatalf("seed %d: IPv6 is not behind IPv4: %v", q.Seed, hops(want))
			}
			second[want[2].Addr.Addr().String()]++
		}
		seen[first]++
	}
	chi := 0.0
	for addr, p := range map[string]float64{
		"192.0.2.1": .01, "192.0.2.2": .30, "192.0.2.3": .345, "192.0.2.4": .345,
	} {
		d := seen[addr] - picks*p
		chi += d * d / (picks * p)
	}
	if chi > 11.34 { // p = 0.01
		t.Errorf("%v of %d, chi-square %.2f", seen, picks, chi)
	}
	if len(second) != 2 {
		t.Errorf("of two addresses of IPv6 first were %v", second)
	}
}

// TestPriorities: whatever the weights, a lower priority comes first.
func TestPriorities(t *testing.T) {
	s := serve(t, map[string][]string{
		"_sip._udp.x.example SRV": {
			"_sip._udp.x.example. 60 IN SRV 20 65535 5060 c.x.example.",
			"_sip._udp.x.example. 60 IN SRV 10 0 5060 a.x.example.",
			"_sip._udp.x.example. 60 IN SRV 10 100 5060 b.x.example.",
		},
		"a.x.example A": {"a.x.example. 60 IN A 192.0.2.1"},
		"b.x.example A": {"b.x.example. 60 IN A 192.0.2.2"},
		"c.x.example A": {"c.x.example. 60 IN A 192.0.2.3"},
	})
	r, _ := resolver(t, Config{Families: IPv4Only}, s)
	q := Query{Host: "x.example", Transport: sip.UDP}
	if _, err := r.Lookup(context.Background(), q); err != nil {
		t.Fatal(err)
	}
	firsts := map[string]int{}
	for range 1000 {
		got, ok, err := r.Cached(nil, q)
		if !ok || err != nil || len(got) != 3 || got[2].Addr.Addr().String() != "192.0.2.3" {
			t.Fatalf("%v %v %v", hops(got), ok, err)
		}
		firsts[got[0].Addr.Addr().String()]++
	}
	if firsts["192.0.2.2"] < 900 {
		t.Errorf("first %v: want mostly the one with weight", firsts)
	}
}

func TestDrawingDoesNotAllocate(t *testing.T) {
	s := serve(t, map[string][]string{
		"_sip._udp.x.example SRV": {"_sip._udp.x.example. 60 IN SRV 1 1 5060 a.x.example.",
			"_sip._udp.x.example. 60 IN SRV 1 2 5060 b.x.example."},
		"a.x.example A": {"a.x.example. 60 IN A 192.0.2.1"},
		"b.x.example A": {"b.x.example. 60 IN A 192.0.2.2"},
	})
	r, _ := resolver(t, Config{Families: IPv4Only}, s)
	q := Query{Host: "x.example"}
	if _, err := r.Lookup(context.Background(), q); err != nil {
		t.Fatal(err)
	}
	dst := make([]Hop, 0, 4)
	for _, q.Seed = range []uint64{0, 7} {
		if n := testing.AllocsPerRun(100, func() { _, _, _ = r.Cached(dst, q) }); n != 0 {
			t.Errorf("seed %d: %v allocations", q.Seed, n)
		}
	}
}

func TestServeStale(t *testing.T) {
	s := serve(t, map[string][]string{"a.example A": {a1}})
	r, ck := resolver(t, Config{Families: IPv4Only, ServeStale: time.Hour}, s)
	q, ctx := Query{Host: "a.example", Port: 5060}, context.Background()
	got, err := r.Lookup(ctx, q)
	want(t, got, err, "udp 192.0.2.1:5060")
	s.on(func(w dns.ResponseWriter, m *dns.Msg) bool {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(m, dns.RcodeServerFailure))
		return true
	})
	ck.move(time.Minute)
	if _, ok, _ := r.Cached(nil, q); ok {
		t.Error("an expired answer is used before anybody is asked")
	}
	got, err = r.Lookup(ctx, q)
	want(t, got, err, "udp 192.0.2.1:5060")
	if n := r.Stats().Stale.Load(); n != 1 {
		t.Errorf("%d stale answers counted, want 1", n)
	}
	ck.move(staleTTL - 1)
	if _, ok, _ := r.Cached(nil, q); !ok {
		t.Errorf("asked again before %v", staleTTL)
	}
	// An hour after it expired it is of no use.
	ck.move(time.Hour - staleTTL + 1)
	if _, err = r.Lookup(ctx, q); err != ErrServers {
		t.Errorf("an hour later: error %v, want ErrServers", err)
	}
	// That there is none is an answer; a stale one does not stand against it.
	s.on(nil)
	ck.move(failureTTL)
	got, err = r.Lookup(ctx, q)
	want(t, got, err, "udp 192.0.2.1:5060")
	s.on(func(w dns.ResponseWriter, m *dns.Msg) bool {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(m, dns.RcodeNameError))
		return true
	})
	ck.move(time.Minute)
	if _, err = r.Lookup(ctx, q); err != ErrNotFound {
		t.Errorf("gone: error %v, want ErrNotFound", err)
	}
}

func TestRulesOfAName(t *testing.T) {
	s := serve(t, map[string][]string{"0.1.e164.arpa NAPTR": {
		`0.1.e164.arpa. 60 IN NAPTR 2 1 "U" "E2U+sip" "!^.*$!sip:second@example.net!" .`,
		`0.1.e164.arpa. 60 IN NAPTR 1 9 "u" "E2U+sip" "!^\\+(.*)$!sip:\\1@example.net!" .`,
		`0.1.e164.arpa. 60 IN NAPTR 1 10 "" "" "" Next.Example.net.`,
	}})
	r, _ := resolver(t, Config{}, s)
	for range 2 {
		got, err := r.NAPTR(context.Background(), "0.1.E164.arpa")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]NAPTR{
			{1, 9, "u", "E2U+sip", `!^\+(.*)$!sip:\1@example.net!`, ""},
			{1, 10, "", "", "", "next.example.net"},
			{2, 1, "u", "E2U+sip", "!^.*$!sip:second@example.net!", ""},
		}, got); d != "" {
			t.Errorf("want, got:\n%s", d)
		}
	}
	if n := s.count(""); n != 1 {
		t.Errorf("%d questions, want 1", n)
	}
	for _, name := range []string{"", "none.example", "a..b"} {
		if _, err := r.NAPTR(context.Background(), name); err != ErrNotFound {
			t.Errorf("%q: error %v, want ErrNotFound", name, err)
		}
	}
}

// FuzzUnescape: what a record says comes out of the library as it went in.
func FuzzUnescape(f *testing.F) {
	for _, s := range []string{"", "!^\\+(.*)$!sip:\\1@x!", "\"\x00\xff\\", "\\1234", "a\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_ = unescape(s)
		if len(s) > 255 {
			return
		}
		wire := make([]byte, 0, 300)
		wire = append(wire, 0, 1, 0, 1, 0, 0, byte(len(s)))
		wire = append(append(wire, s...), 0)
		h := dns.RR_Header{Name: ".", Rrtype: dns.TypeNAPTR, Class: dns.ClassINET,
			Rdlength: uint16(len(wire))}
		rr, _, err := dns.UnpackRRWithHeader(h, wire, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := naptrs([]dns.RR{rr})[0].Regexp; got != s {
			t.Errorf("want %q, got %q", s, got)
		}
	})
}
