package table

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// spent is the processor time of f in nanoseconds a call: the least of some
// rounds, of this thread alone, so that others on the machine do not count.
func spent(n int, f func(i int)) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	least := 0.0
	for round := range 7 {
		begin := threadTime()
		for i := range n {
			f(i)
		}
		if ns := float64(threadTime()-begin) / float64(n); round == 0 || ns < least {
			least = ns
		}
	}
	return least
}

func threadTime() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return t.Nano()
}

// loopOf is a Table that scans.
func loopOf(b testing.TB, rules []schema.Rule) *Table {
	n := len(rules)
	scan := &Table{
		rules: newNaive(b, rules), hints: make([]hint, n), root: node{hi: int32(n)},
	}
	for i := range rules {
		scan.root.scan = append(scan.root.scan, int32(i))
	}
	return scan
}

func tableOf(b testing.TB, rules []schema.Rule) *Table {
	table, found := Compile(rules, schema.InRequest, Env{})
	if found != nil {
		b.Fatal(found)
	}
	return table
}

// same holds a table against the loop over some jobs.
func same(b testing.TB, table, loop *Table, jobs []*job.Job) {
	for _, j := range jobs {
		if want, got := loop.Match(j, 0), table.Match(j, 0); want != got {
			b.Fatalf("want %d, got %d", want, got)
		}
	}
}

// BenchmarkRatio reports what a decision costs beside the loop over the rules,
// and many rules beside few. For the mix of a carrier.
func BenchmarkRatio(b *testing.B) {
	costs := map[int]float64{}
	for _, n := range []int{10, 1000, 10_000, 100_000} {
		r := rand.New(rand.NewPCG(1, uint64(n)))
		rules := benchRules(r, n)
		jobs := benchJobs(b, r, rules, 1024)
		table := tableOf(b, rules)
		costs[n] = spent(20_000, func(i int) { table.Match(jobs[i&1023], 0) })
		b.ReportMetric(costs[n], fmt.Sprintf("ns/%d", n))
		if n == 1000 {
			loop := loopOf(b, rules)
			same(b, table, loop, jobs)
			b.ReportMetric(costs[n]/spent(2000, func(i int) { loop.Match(jobs[i&1023], 0) }), "1k/loop")
		}
	}
	b.ReportMetric(costs[100_000]/costs[1000], "100k/1k")
}

// BenchmarkOneAnchor is 10,000 customers behind one gateway: rules of the same
// source, method, host and prefix, which the account in a header tells apart.
func BenchmarkOneAnchor(b *testing.B) {
	const n = 10_000
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf("{method: INVITE, source: 10.0.0.0/8, uri: {host: example.net, "+
			"user: {prefix: '+49'}}, headers: {X-Account: 'a%d'}}", i)
	}
	rules := parse(b, texts...)
	table, loop := tableOf(b, rules), loopOf(b, rules)
	jobs := make([]*job.Job, 256)
	for i := range jobs {
		j := newJob(b, invite)
		j.Flow.Remote = benchSource
		j.Msg.SetRURI([]byte("sip:+49301234@example.net"))
		j.Msg.InsertNamed(j.Msg.Len(), "X-Account", fmt.Appendf(nil, "a%d", i*41))
		jobs[i] = j
	}
	same(b, table, loop, jobs[:20])
	ns := spent(20_000, func(i int) { table.Match(jobs[i&255], 0) })
	b.ReportMetric(ns, "ns/10000")
	b.ReportMetric(ns/spent(20, func(i int) { loop.Match(jobs[i&255], 0) }), "10k/loop")
}

// BenchmarkExpressions is 50 rules, each with a regular expression on one
// header, beside one alternation of them all, which does not say which.
func BenchmarkExpressions(b *testing.B) {
	exprs := make([]string, 50)
	texts := make([]string, len(exprs))
	for i := range exprs {
		form := []string{
			"(?i)scan%dner", "^agent-%d/[0-9]+", "bot%d$", "v%d\\.[0-9]{1,3}\\b", "x%d.?y",
		}[i%5]
		exprs[i] = fmt.Sprintf(form, i)
		texts[i] = "{headers: {User-Agent: {regex: '" + exprs[i] + "'}}}"
	}
	rules := parse(b, texts...)
	table, loop := tableOf(b, rules), loopOf(b, rules)
	all := regexp.MustCompile("(?:" + strings.Join(exprs, ")|(?:") + ")")
	var jobs []*job.Job
	for _, agent := range []string{
		"Asterisk PBX 18.9.0-vici-1.2", "agent-1/77 (Linux; x86_64)", "friendly-SCAN45NER 1.0 xyz",
		"Linphone/3.6.1 (eXosip2/4.1)",
	} {
		j := newJob(b, invite)
		j.Msg.SetValue(j.Msg.First(sip.UserAgent), []byte(agent))
		jobs = append(jobs, j)
	}
	same(b, table, loop, jobs)
	ns := spent(20_000, func(i int) { table.Match(jobs[i&3], 0) })
	alternation := spent(2000, func(i int) { all.Match(jobs[i&3].Msg.Get(sip.UserAgent)) })
	b.ReportMetric(ns, "ns/50")
	b.ReportMetric(ns/alternation, "50/alternation")
}
