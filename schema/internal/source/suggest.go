package source

import "strings"

// Nearest is the known name a misspelt one probably means; "" none. It looks
// past case and the difference of - and _; then a third of the letters may be
// wrong.
func Nearest(name string, known []string) string {
	plain := fold(name)
	best, least := "", max(1, len(name)/3)+1
	for _, k := range known {
		if fold(k) == plain {
			return k
		}
		if d := distance(plain, fold(k), least); d < least && d < len(k) {
			best, least = k, d
		}
	}
	return best
}

func fold(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "_")) }

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to make b of a; it may stop at limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// Meant ends a message about an unknown name: "; did you mean x?" or nothing.
func Meant(name string, known []string) string {
	if k := Nearest(name, known); k != "" {
		return "; did you mean " + k + "?"
	}
	return ""
}
