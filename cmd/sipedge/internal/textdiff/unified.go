// Package textdiff tells texts apart, line by line.
// Its one law: what it writes makes the second text of the first.
package textdiff

import (
	"fmt"
	"strings"
)

// Unified is the difference of two texts as `diff -u` writes it; of equal texts the
// two lines with the names.
func Unified(oldName, newName, from, to string) string {
	const around = 3
	edits := lineEdits(strings.SplitAfter(from, "\n"), strings.SplitAfter(to, "\n"))
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", oldName, newName)
	oldLine, newLine := 1, 1 // of edits[i]
	for i := 0; i < len(edits); {
		next := i
		for next < len(edits) && edits[next].op == ' ' {
			next++
		}
		if next == len(edits) {
			break
		}
		start := max(i, next-around)
		oldLine, newLine = oldLine+start-i, newLine+start-i
		end, same := next, 0
		for end < len(edits) && same <= 2*around {
			if same++; edits[end].op != ' ' {
				same = 0
			}
			end++
		}
		end -= max(same-around, 0)
		oldLine, newLine = hunk(&b, edits[start:end], oldLine, newLine)
		i = end
	}
	return b.String()
}

// hunk writes some edits and returns the lines behind them.
func hunk(b *strings.Builder, edits []edit, oldLine, newLine int) (int, int) {
	olds, news := 0, 0
	for _, e := range edits {
		if e.op != '+' {
			olds++
		}
		if e.op != '-' {
			news++
		}
	}
	fmt.Fprintf(b, "@@ -%d,%d +%d,%d @@\n", oldLine, olds, newLine, news)
	for _, e := range edits {
		b.WriteByte(e.op)
		b.WriteString(e.line)
		if !strings.HasSuffix(e.line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
	return oldLine + olds, newLine + news
}

type edit struct {
	op   byte // ' ', '-' or '+'
	line string
}

// lineEdits makes b of a, by their longest common subsequence between what is
// equal at both ends.
func lineEdits(a, b []string) []edit {
	a, b = withoutEmptyEnd(a), withoutEmptyEnd(b)
	var edits, tail []edit
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		edits = append(edits, edit{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, edit{' ', a[len(a)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a)*len(b) > 1<<24 { // nobody reads it, and it would take its memory
		for _, l := range a {
			edits = append(edits, edit{'-', l})
		}
		a = nil
	}
	length := make([][]int32, len(a)+1) // of the common subsequence of a[i:] and b[j:]
	for i := range length {
		length[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			edits = append(edits, edit{' ', a[i]})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || length[i+1][j] >= length[i][j+1]):
			edits = append(edits, edit{'-', a[i]})
			i++
		default:
			edits = append(edits, edit{'+', b[j]})
			j++
		}
	}
	for i := len(tail) - 1; i >= 0; i-- {
		edits = append(edits, tail[i])
	}
	return edits
}

func withoutEmptyEnd(lines []string) []string {
	if n := len(lines); n > 0 && lines[n-1] == "" {
		return lines[:n-1]
	}
	return lines
}
