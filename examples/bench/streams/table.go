package main

import (
	"fmt"
	"slices"
	"strings"

	"sipedge/examples/bench/rounds"
	"sipedge/sip"
)

// row is a line of the table.
type row struct {
	transport sip.Transport
	server    *measured
	ratio     float64 // to Kamailio; 0: it is Kamailio
}

func rows(t sip.Transport, reference, ours *measured) []row {
	ratio := median(ours.rounds, result.perCall) / median(reference.rounds, result.perCall)
	return []row{{t, reference, 0}, {t, ours, ratio}}
}

// missed reports whether a server takes more than goal; 0: there is none.
func missed(all []row, goal float64) bool {
	return slices.ContainsFunc(all, func(r row) bool { return goal > 0 && r.ratio > goal })
}

// table is the report, in Markdown.
func table(p plan, all []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Calls at %d/s over %d connections of caller and callee each; medians of %d "+
		"rounds by turns.\n\n", p.rate, p.connections, p.rounds)
	b.WriteString("| transport | server | µs a call (least–most) | ÷ Kamailio | answered p50 | p99 " +
		"| completed | highest rate | limited by |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range all {
		m := r.server
		var cost []float64
		completed, offered := uint64(0), uint64(0)
		for _, one := range m.rounds {
			cost = append(cost, one.perCall())
			completed, offered = completed+one.Completed, offered+one.Offered
		}
		ratio, highest := "1", "–"
		if r.ratio > 0 {
			ratio = fmt.Sprintf("%.2f", r.ratio)
		}
		if m.highest.Rate > 0 {
			highest = fmt.Sprintf("%d/s", m.highest.Rate)
		}
		fmt.Fprintf(&b, "| %s | %s | %.1f (%.1f–%.1f) | %s | %.2f ms | %.2f ms | %.2f %% | %s | %s |\n",
			r.transport, m.kind, median(m.rounds, result.perCall), slices.Min(cost),
			slices.Max(cost), ratio, 1e3*median(m.rounds, func(r result) float64 { return r.P50 }),
			1e3*median(m.rounds, func(r result) float64 { return r.P99 }),
			100*float64(completed)/float64(offered), highest, m.limit)
	}
	return b.String()
}

// median is that of a value of all rounds, of which there is at least one.
func median(all []result, of func(result) float64) float64 {
	var values []float64
	for _, r := range all {
		values = append(values, of(r))
	}
	return rounds.Median(values)
}
