package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"sipedge/examples/bench/proc"
	"sipedge/examples/bench/scrape"
)

// phase is a time of one load, and what came of the calls that began in it.
type phase struct {
	Rate   int           // calls a second
	Length time.Duration // in which they begin

	began                                       time.Time
	offered, completed, refused, failed, resent atomic.Uint64
	answers, refusals                           histogram
	samples                                     *samples // of answers; nil: not kept
	watch                                       string   // metrics of the proxy; "": none
	watched                                     []gauges

	pid       int           // of the proxy; 0: unknown
	cpu, ours time.Duration // processor time of the proxy within the phase, and of this process
}

func (p *phase) begin() {
	p.began = time.Now()
	p.sample()
	p.cpu, p.ours = p.processors()
}

func (p *phase) end() {
	cpu, ours := p.processors()
	p.cpu, p.ours = cpu-p.cpu, ours-p.ours
	p.sample()
}

// processors reads the processor times so far; 0: unknown.
func (p *phase) processors() (proxy, ours time.Duration) {
	if p.pid == 0 {
		return 0, 0
	}
	if f, err := proc.Of(p.pid); err == nil {
		proxy = f.CPU()
	}
	return proxy, proc.Family{os.Getpid()}.CPU()
}

// perCall is the processor time of the proxy for a completed call; 0: unknown.
func (p *phase) perCall() time.Duration {
	if n := p.completed.Load(); n > 0 {
		return p.cpu / time.Duration(n)
	}
	return 0
}

// answered counts the answer to a call that began at a time.
func (p *phase) answered(began time.Time) {
	after := time.Since(began)
	p.answers.add(after)
	p.samples.add(began, after)
}

func (p *phase) refusedAfter(after time.Duration) {
	p.refused.Add(1)
	p.refusals.add(after)
}

// show writes where the phase stands.
func (p *phase) show(w io.Writer) {
	fmt.Fprintf(w, "%6.0fs  %s\n", time.Since(p.began).Seconds(), p)
}

// String is the phase in a line.
func (p *phase) String() string {
	s := fmt.Sprintf("%d/s for %s: %d offered, %d completed, %d refused, %d failed, %d sent again; "+
		"answered within p50 %s p99 %s p99.9 %s, refused within p99 %s", p.Rate, p.Length,
		p.offered.Load(), p.completed.Load(), p.refused.Load(), p.failed.Load(), p.resent.Load(),
		p.answers.quantile(0.5), p.answers.quantile(0.99), p.answers.quantile(0.999),
		p.refusals.quantile(0.99))
	if p.cpu > 0 {
		s += fmt.Sprintf("; %s of processor time a call", p.perCall())
	}
	for i, name := range gaugeNames {
		if len(p.watched) > 1 {
			first, last := p.watched[0], p.watched[len(p.watched)-1]
			s += fmt.Sprintf("; %s %.0f → %.0f, %+.3g an hour", name, first.value[i],
				last.value[i], p.slope(i))
		}
	}
	return s
}

// MarshalJSON writes durations in seconds.
func (p *phase) MarshalJSON() ([]byte, error) {
	m := map[string]any{
		"rate": p.Rate, "seconds": p.Length.Seconds(), "offered": p.offered.Load(),
		"completed": p.completed.Load(), "refused": p.refused.Load(),
		"failed": p.failed.Load(), "resent": p.resent.Load(),
		"answered_p50":  p.answers.quantile(0.5).Seconds(),
		"answered_p99":  p.answers.quantile(0.99).Seconds(),
		"answered_p999": p.answers.quantile(0.999).Seconds(),
		"refused_p99":   p.refusals.quantile(0.99).Seconds(),
	}
	if p.cpu > 0 {
		m["cpu_seconds"], m["load_cpu_seconds"] = p.cpu.Seconds(), p.ours.Seconds()
	}
	for i, name := range gaugeNames {
		if len(p.watched) > 1 {
			m[name+"_first"], m[name+"_slope_hour"] = p.watched[0].value[i], p.slope(i)
			m[name+"_last"] = p.watched[len(p.watched)-1].value[i]
		}
	}
	return json.Marshal(m)
}

// gaugeNames are the metrics followed.
var gaugeNames = [...]string{
	"go_goroutines", "process_open_fds", "process_resident_memory_bytes",
}

// gauges are they at one time.
type gauges struct {
	at    time.Time
	value [len(gaugeNames)]float64
}

// sample reads the proxy's gauges, if they are followed and can be read.
func (p *phase) sample() {
	if p.watch == "" {
		return
	}
	m, err := scrape.Get(p.watch)
	if err != nil {
		return
	}
	g := gauges{at: time.Now()}
	for i, name := range gaugeNames {
		g.value[i] = m[name]
	}
	p.watched = append(p.watched, g)
}

// slope is how much gauge i grew an hour, by least squares over the second half of the phase.
func (p *phase) slope(i int) float64 {
	list := p.watched[len(p.watched)/2:]
	if len(list) < 2 {
		return 0
	}
	var n, sx, sy, sxx, sxy float64
	for _, g := range list {
		x, y := g.at.Sub(p.began).Hours(), g.value[i]
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// histogram counts durations in buckets of a sixteenth of a power of two of microseconds.
type histogram struct{ buckets [512]atomic.Uint64 }

func (h *histogram) add(d time.Duration) {
	us, shift := uint64(max(0, d.Microseconds())), 0
	for us>>shift >= 32 {
		shift++
	}
	h.buckets[min(len(h.buckets)-1, shift*16+int(us>>shift))].Add(1)
}

// quantile is a duration that a share of all are not above; 0: there are none.
func (h *histogram) quantile(q float64) time.Duration {
	var total, sum uint64
	for i := range h.buckets {
		total += h.buckets[i].Load()
	}
	for i := range h.buckets {
		if sum += h.buckets[i].Load(); total > 0 && float64(sum) >= q*float64(total) {
			shift := max(0, i/16-1)
			return time.Duration(uint64(i-shift*16)<<shift) * time.Microsecond
		}
	}
	return 0
}
