package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"sipedge/examples/bench/attack"
	"sipedge/examples/bench/rounds"
	"sipedge/sip"
)

// row is an attack with what came of it.
type row struct {
	attack    *attack.Attack
	transport sip.Transport // of the healthy peer
	turns     []turn
	done      attack.Done
	counted   float64 // by the server, by the end of each window with it
	calls     calls   // of the healthy peer, from its first to its last
}

// turn is a window without an attack and one with it.
type turn struct{ without, with window }

// window is a time, with the answers to calls that began in it.
type window struct {
	from, to time.Time
	answers  []time.Duration
}

// take reads the samples of a generator.
func (r *row) take(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var began, after int64
		if _, err := fmt.Sscan(lines.Text(), &began, &after); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		at := time.Unix(0, began)
		for i := range r.turns {
			r.turns[i].without.add(at, time.Duration(after))
			r.turns[i].with.add(at, time.Duration(after))
		}
	}
	for _, t := range r.turns {
		if len(t.with.answers) == 0 || len(t.without.answers) == 0 {
			return fmt.Errorf("no call was answered in a window; %d of %d were completed",
				r.calls.Completed, r.calls.Offered)
		}
	}
	return nil
}

// add takes an answer if the call is of the window.
func (w *window) add(began time.Time, after time.Duration) {
	if !began.Before(w.from) && began.Before(w.to) {
		w.answers = append(w.answers, after)
	}
}

func with(t turn) []time.Duration    { return t.with.answers }
func without(t turn) []time.Duration { return t.without.answers }

// quantile is that of all answers of some windows together.
func quantile(turns []turn, of func(turn) []time.Duration, q float64) time.Duration {
	var all []time.Duration
	for _, t := range turns {
		all = append(all, of(t)...)
	}
	slices.Sort(all)
	return all[int(float64(len(all))*q)]
}

// pooled is the p99 of all calls with the attack by that of all without. A window in which
// something else had the core decides it: it is told, and not judged by.
func pooled(turns []turn) float64 {
	return float64(quantile(turns, with, 0.99)) / float64(quantile(turns, without, 0.99))
}

// ratios are of each turn the p99 with the attack by that without.
func (r *row) ratios() []float64 {
	all := make([]float64, len(r.turns))
	for i := range r.turns {
		all[i] = pooled(r.turns[i : i+1])
	}
	return all
}

// ratio is what is judged: the ratio of the turn in the middle.
func (r *row) ratio() float64 { return rounds.Median(r.ratios()) }

const (
	drawn  = 1000 // times that turns are drawn
	spread = 0.05 // of the ratios is below the least that is told, and as much above the most
)

// spread is within what the ratio would be, in nine of ten measurements like this one: turns are
// drawn from those there were, with repetition. A turn is drawn whole, since calls that follow each
// other wait for the same.
func (r *row) spread() (least, most float64) {
	random := rand.New(rand.NewPCG(1, 2))
	ratios, medians := r.ratios(), make([]float64, drawn)
	sample := make([]float64, len(ratios))
	for i := range medians {
		for j := range sample {
			sample[j] = ratios[random.IntN(len(ratios))]
		}
		medians[i] = rounds.Median(sample)
	}
	slices.Sort(medians)
	return medians[int(drawn*spread)], medians[int(drawn*(1-spread))-1]
}

// took is a share of what an attack of p has to have done, as the machine is not always on time.
const took = 0.9

// wrong is what was not as it has to be.
func (r *row) wrong(p *plan) (all []string) {
	say := func(format string, args ...any) {
		all = append(all, fmt.Sprintf("%s, %s: ", r.transport, r.attack.Name)+
			fmt.Sprintf(format, args...))
	}
	if v := r.ratio(); p.goal > 0 && v > p.goal {
		say("p99 is %.2f of that without, more than %.2f", v, p.goal)
	}
	if failed := r.calls.Offered - r.calls.Completed; failed > 0 {
		say("%d of %d calls of the healthy peer failed", failed, r.calls.Offered)
	}
	if r.attack.Counter == "" {
		return all
	}
	each := took * float64(p.rate*len(r.turns)) // in a second; what is late is not asked for
	if want := each * (stands + p.window).Seconds(); float64(r.done.Begun) < want {
		say("%d begun, %d failed; it has to begin %.0f", r.done.Begun, r.done.Failed, want)
	}
	// What began so long before the end of a window that it does not stand any more.
	if want := each * p.window.Seconds(); r.counted < want {
		say("%s grew by %.0f, it has to grow by %.0f", r.attack.Counter, r.counted, want)
	}
	return all
}

// String is the row for who waits.
func (r *row) String() string {
	least, most := r.spread()
	return fmt.Sprintf("%s, %s: %d begun, %.0f counted; p99 %.2f ms without, %.2f ms with: %.2f; "+
		"of turns %.2f: %.2f (%.2f–%.2f)", r.transport, r.attack.Name, r.done.Begun, r.counted,
		ms(quantile(r.turns, without, 0.99)), ms(quantile(r.turns, with, 0.99)), pooled(r.turns),
		r.ratios(), r.ratio(), least, most)
}

// table is the report, in Markdown.
func table(p *plan, all []*row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d calls a second of a healthy peer, in %d turns of %s without and %s with an "+
		"attack: %d connections or calls a second, each of which stands for %s at most.\n\n",
		p.calls, p.rounds, p.window, p.window, p.rate, stands)
	b.WriteString("| attack | each of them | begun | sent | ended by the server | healthy peer " +
		"| calls | of these failed | p50 without → with | p99 without → with | ratio of all calls " +
		"| of the turn in the middle | nine of ten |\n" + strings.Repeat("|---", 13) + "|\n")
	for _, r := range all {
		least, most := r.spread()
		fmt.Fprintf(&b, "| %s | %s | %d | %.1f MB | %.0f | %s | %d | %d | %.2f → %.2f ms "+
			"| %.2f → %.2f ms | %.2f | %.2f | %.2f–%.2f |\n", r.attack.Name, r.attack.Does, r.done.Begun,
			float64(r.done.Bytes)/1e6, r.counted, r.transport, r.calls.Offered,
			r.calls.Offered-r.calls.Completed, ms(quantile(r.turns, without, 0.5)),
			ms(quantile(r.turns, with, 0.5)), ms(quantile(r.turns, without, 0.99)),
			ms(quantile(r.turns, with, 0.99)), pooled(r.turns), r.ratio(), least, most)
	}
	return b.String()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
