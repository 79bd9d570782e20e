package table

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// benchRules are n rules as a carrier has them: a mix of what section heads of
// dial plans, customers and gateways look like. Few fields tell them apart.
func benchRules(r *rand.Rand, n int) []schema.Rule {
	text := func(s string) schema.Value { return schema.Value{Kind: schema.String, S: s} }
	entry := func(name string, v schema.Value) schema.Key { return schema.Key{Name: name, Value: v} }
	fields := func(keys ...schema.Key) schema.Value {
		return schema.Value{Kind: schema.Map, Keys: keys}
	}
	rules := make([]schema.Rule, n)
	for i := range rules {
		prefix := fields(entry("prefix", text(number(r, 4+r.IntN(4)))))
		domain := text(fmt.Sprintf("d%d.example.net", r.IntN(max(n/10, 10))))
		var m schema.Value
		switch i % 10 {
		case 0, 1, 2, 3, 4:
			m = fields(entry("method", text("INVITE")),
				entry("uri", fields(entry("user", prefix), entry("host", domain))))
		case 5, 6:
			m = fields(entry("uri", fields(entry("user", prefix))))
		case 7:
			m = fields(entry("source", text(fmt.Sprintf("10.%d.%d.0/24", r.IntN(256), r.IntN(256)))))
		case 8:
			m = fields(entry("from", fields(entry("host", domain))), entry("method", text("REGISTER")))
		default:
			m = fields(entry("uri", fields(entry("user", prefix))), entry("headers", fields(
				entry("User-Agent", fields(entry("regex", text("^Fake.*[0-9]+$")))))))
		}
		rules[i].Match = &m
	}
	return rules
}

// loopOf is a Table that scans.
func loopOf(t testing.TB, rules []schema.Rule) *Table {
	scan := &Table{rules: make([][]condition, len(rules)), root: node{hi: int32(len(rules))}}
	for i, r := range newNaive(t, rules) {
		scan.root.scan = append(scan.root.scan, candidate{rule: int32(i), test: r.test()})
	}
	return scan
}

var benchSource = netip.MustParseAddrPort("10.1.2.3:5060")

func number(r *rand.Rand, digits int) string {
	var b strings.Builder
	b.WriteByte('+')
	for range digits {
		b.WriteByte('0' + byte(r.IntN(10)))
	}
	return b.String()
}

// benchJobs are calls, half of them aimed at a rule.
func benchJobs(b testing.TB, r *rand.Rand, rules []schema.Rule, n int) []*job.Job {
	jobs := make([]*job.Job, n)
	for i := range jobs {
		j := newJob(b, invite)
		user := number(r, 11)
		host := fmt.Sprintf("d%d.example.net", r.IntN(max(len(rules)/10, 10)))
		if i%2 == 0 {
			u := rules[r.IntN(len(rules))].Match.Get("uri")
			if p := u.Get("user").Get("prefix").S; p != "" {
				user = p + user[1:6]
			}
			if h := u.Get("host").S; h != "" {
				host = h
			}
		}
		j.Msg.SetRURI([]byte("sip:" + user + "@" + host))
		j.Msg.SetValue(j.Msg.First(sip.From), []byte("<sip:alice@"+host+">;tag=f"))
		j.Flow.Remote = netip.AddrPortFrom(
			netip.AddrFrom4([4]byte{10, byte(r.IntN(256)), byte(r.IntN(256)), 7}), 5060)
		jobs[i] = j
	}
	return jobs
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000, 100_000} {
		r := rand.New(rand.NewPCG(1, uint64(n)))
		rules := benchRules(r, n)
		table, found := Compile(rules, schema.InRequest, Env{})
		if found != nil {
			b.Fatal(found)
		}
		jobs := benchJobs(b, r, rules, 1024)
		loop := newNaive(b, rules)
		for _, j := range jobs[:min(len(jobs), 1_000_000/n+1)] {
			if want, got := loop.Match(j, 0), table.Match(j, 0); want != got {
				b.Fatalf("want %d, got %d", want, got)
			}
		}
		b.Run(fmt.Sprintf("rules=%d/table", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				table.Match(jobs[i&1023], 0)
			}
		})
		if n > 10_000 {
			continue
		}
		scan := loopOf(b, rules)
		b.Run(fmt.Sprintf("rules=%d/loop", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				scan.Match(jobs[i&1023], 0)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	rules := benchRules(rand.New(rand.NewPCG(1, 2)), 10_000)
	b.ReportAllocs()
	for b.Loop() {
		Compile(rules, schema.InRequest, Env{})
	}
}
