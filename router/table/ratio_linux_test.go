package table

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// A work is something done n times in a round.
type work struct {
	n int
	f func(i int)
}

// costs are the processor times of works in nanoseconds a call, of this thread
// alone, in each of some rounds in which they take turns. A work is done once more
// before, for the caches.
type costs [][]float64

func measure(works ...work) (c costs) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for range 50 {
		round := make([]float64, len(works))
		for k, w := range works {
			w.do()
			begin := threadTime()
			w.do()
			round[k] = float64(threadTime()-begin) / float64(w.n)
		}
		c = append(c, round)
	}
	return c
}

// least is what a work costs at best.
func (c costs) least(k int) float64 {
	least := c[0][k]
	for _, round := range c {
		least = min(least, round[k])
	}
	return least
}

// ratio is what a work costs beside another in the middle of the rounds: whatever
// else the machine does, it does to both.
func (c costs) ratio(k, other int) float64 {
	var ratios []float64
	for _, round := range c {
		ratios = append(ratios, round[k]/round[other])
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

func (w *work) do() {
	for i := range w.n {
		w.f(i)
	}
}

func threadTime() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return t.Nano()
}

func tableOf(b testing.TB, rules []schema.Rule) *Table {
	table, found := Compile(rules, schema.InRequest, Env{})
	if found != nil {
		b.Fatal(found)
	}
	return table
}

// allocations is how many a decision makes, in the mean over some jobs.
func allocations(table *Table, jobs []*job.Job) float64 {
	i := 0
	return testing.AllocsPerRun(len(jobs), func() {
		table.Match(jobs[i%len(jobs)], 0)
		i++
	})
}

// same holds a table against the loop over some jobs.
func same(b testing.TB, table, loop *Table, jobs []*job.Job) {
	for _, j := range jobs {
		if want, got := loop.Match(j, 0), table.Match(j, 0); want != got {
			b.Fatalf("want %d, got %d", want, got)
		}
	}
}

// deciding is a decision of a table over each job.
func deciding(table *Table, jobs []*job.Job) work {
	return work{len(jobs), func(i int) { table.Match(jobs[i], 0) }}
}

// BenchmarkRatio reports what a decision costs beside the loop over the rules,
// and many rules beside few. For the mix of a carrier.
func BenchmarkRatio(b *testing.B) {
	sizes := []int{10, 1000, 10_000, 100_000}
	var works []work
	var loop work
	allocs := 0.0
	for _, n := range sizes {
		r := rand.New(rand.NewPCG(1, uint64(n)))
		rules := benchRules(r, n)
		jobs := benchJobs(b, r, rules, 1024)
		table := tableOf(b, rules)
		works = append(works, deciding(table, jobs))
		allocs += allocations(table, jobs)
		if n == 1000 {
			naive := loopOf(b, rules)
			same(b, table, naive, jobs)
			loop = deciding(naive, jobs[:200])
		}
	}
	c := measure(append(works, loop)...)
	for i, n := range sizes {
		b.ReportMetric(c.least(i), fmt.Sprintf("ns/%d", n))
	}
	b.ReportMetric(c.ratio(1, 4), "1k/loop")
	b.ReportMetric(c.ratio(3, 1), "100k/1k")
	b.ReportMetric(allocs, "allocs")
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
		j.Msg.InsertNamed(j.Msg.Len(), "X-Account", fmt.Appendf(nil, "a%d", i*4111%n))
		jobs[i] = j
	}
	same(b, table, loop, jobs[:20])
	c := measure(deciding(table, jobs), deciding(loop, jobs[:4]))
	b.ReportMetric(c.least(0), "ns/anchor")
	b.ReportMetric(c.ratio(0, 1), "anchor/loop")
	b.ReportMetric(allocations(table, jobs), "allocs")
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
	c := measure(deciding(table, slices.Repeat(jobs, 100)),
		work{100, func(i int) { all.Match(jobs[i%len(jobs)].Msg.Get(sip.UserAgent)) }})
	b.ReportMetric(c.least(0), "ns/expressions")
	b.ReportMetric(c.ratio(0, 1), "expressions/alternation")
	b.ReportMetric(allocations(table, jobs), "allocs")
}
