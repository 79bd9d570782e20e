//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// decisions are what it costs to find the rule a message matches, by the benchmarks of the
// decision table, which compares itself with other ways in one run.
func decisions() ([]row, error) {
	cmd := exec.Command("go", "test", "-run", "^$", "-benchtime", "1x",
		"-bench", "^Benchmark(Ratio|OneAnchor|Expressions)$", "sipedge/router/table")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w\n%s%s", cmd, err, out, stderr.Bytes())
	}
	metrics := parseBenchmarks(string(out))
	var rows []row
	for _, want := range []struct {
		metric, name, unit string
		most               float64 // -1: no goal
	}{
		{"ns/10", "decide among 10 rules", "ns", -1},
		{"ns/1000", "decide among 1,000 rules", "ns", -1},
		{"ns/10000", "decide among 10,000 rules", "ns", -1},
		{"ns/100000", "decide among 100,000 rules", "ns", -1},
		{"1k/loop", "  1,000 rules ÷ a loop over them", "", 0.08},
		{"100k/1k", "  100,000 rules ÷ 1,000", "", 5},
		{"ns/anchor", "decide among 10,000 rules under one anchor", "ns", -1},
		{"anchor/loop", "  ÷ a loop over them", "", -1},
		{"ns/expressions", "decide among 50 regular expressions on one header", "ns", -1},
		{"expressions/alternation", "  ÷ one alternation of package regexp", "", 0.02},
		{"allocs", "allocations of all these decisions", "", 0},
	} {
		value, ok := metrics[want.metric]
		switch {
		case !ok:
			return rows, fmt.Errorf("the benchmarks of router/table do not report %s", want.metric)
		case want.most < 0:
			rows = append(rows, known(want.name, value, want.unit))
		default:
			rows = append(rows, atMost(want.name, value, want.unit, want.most))
		}
	}
	return rows, nil
}

// parseBenchmarks sums what benchmarks report, by unit.
func parseBenchmarks(out string) map[string]float64 {
	sums := map[string]float64{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) == 0 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		for i := 2; i+1 < len(f); i += 2 { // behind the name and the runs: value unit …
			if v, err := strconv.ParseFloat(f[i], 64); err == nil {
				sums[f[i+1]] += v
			}
		}
	}
	return sums
}
