//go:build unix

package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// row is one measurement.
type row struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Goal  *goal   `json:"goal,omitempty"`
	OK    bool    `json:"ok"`
}

// goal is what a value is to be at most, or at least.
type goal struct {
	Most  *float64 `json:"most,omitempty"`
	Least *float64 `json:"least,omitempty"`
}

// known is a row without a goal.
func known(name string, value float64, unit string) row {
	return row{Name: name, Value: value, Unit: unit, OK: true}
}

func atMost(name string, value float64, unit string, most float64) row {
	return row{name, value, unit, &goal{Most: &most}, value <= most}
}

func atLeast(name string, value float64, unit string, least float64) row {
	return row{name, value, unit, &goal{Least: &least}, value >= least}
}

// fine reports whether all goals are met.
func fine(rows []row) bool {
	for _, r := range rows {
		if !r.OK {
			return false
		}
	}
	return true
}

// table is the rows as text.
func table(rows []row) string {
	width := 0
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.Name))
	}
	var b strings.Builder
	for _, r := range rows {
		line := fmt.Sprintf("%-*s %8s %-8s", width, r.Name, number(r.Value), r.Unit)
		if g := r.Goal; g != nil {
			want, verdict := "≤ ", "ok"
			if g.Most != nil {
				want += number(*g.Most)
			} else {
				want = "≥ " + number(*g.Least)
			}
			if !r.OK {
				verdict = "MISSED"
			}
			line += fmt.Sprintf("%-7s %s", want, verdict)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// number writes three digits that count.
func number(x float64) string {
	if x >= 100 || x == float64(int(x)) {
		return strconv.Itoa(int(x + 0.5))
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}
