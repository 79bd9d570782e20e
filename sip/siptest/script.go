package siptest

import (
	"fmt"
	"strconv"
	"strings"
)

// A step is one line of a flow with the indented lines below it.
type step struct {
	line   int
	verb   string // agent proxy send expect wait down up
	who    string
	words  []string          // what follows the verb
	opts   map[string]string // at= tag= call= to= for=
	fields []fieldRule
	raw    string // of send raw
}

type fieldRule struct {
	op    byte // ':' '+' '-' '~'
	name  string
	value string
}

func parseFlow(src string) ([]step, error) {
	var steps []step
	for n, line := range strings.Split(src, "\n") {
		if i := strings.Index(line, " # "); i >= 0 {
			line = line[:i]
		}
		if strings.TrimSpace(line) == "" && len(steps) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if line == "" || line[0] == ' ' || line[0] == '\t' {
			if len(steps) > 0 {
				if err := steps[len(steps)-1].indented(line); err != nil {
					return nil, fmt.Errorf("line %d: %w", n+1, err)
				}
			}
			continue
		}
		s, err := parseStep(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		s.line = n + 1
		steps = append(steps, s)
	}
	return steps, nil
}

func parseStep(line string) (step, error) {
	w := strings.Fields(line)
	s := step{verb: w[0], opts: map[string]string{}}
	rest := w[1:]
	if len(w) > 2 && (w[1] == ">" || w[1] == "<") {
		s.who, s.verb, rest = w[0], "send", w[2:]
		if w[1] == "<" {
			s.verb = "expect"
		}
	}
	for _, x := range rest {
		k, v, ok := strings.Cut(x, "=")
		switch {
		case ok && (k == "at" || k == "tag" || k == "call" || k == "to"):
			s.opts[k] = v
		default:
			s.words = append(s.words, x)
		}
	}
	switch s.verb {
	case "agent", "proxy", "send", "expect", "wait", "down", "up", "gone":
	default:
		return s, fmt.Errorf("unknown step %q", line)
	}
	if len(s.words) == 0 {
		return s, fmt.Errorf("%q needs more words", line)
	}
	return s, nil
}

func (s *step) indented(line string) error {
	if s.verb == "send" && s.words[0] == "raw" {
		s.raw += strings.TrimPrefix(line, "\t") + "\n"
		return nil
	}
	text := strings.TrimSpace(line)
	if text == "" {
		return nil
	}
	r := fieldRule{op: ':'}
	switch text[0] {
	case '-':
		r.op, r.name = '-', text[1:]
		s.fields = append(s.fields, r)
		return nil
	case '+':
		r.op, text = '+', text[1:]
	}
	name, value, ok := strings.Cut(text, ":")
	if n, v, tilde := strings.Cut(text, " ~ "); tilde && len(n) < len(name) {
		r.op, name, value, ok = '~', n, v, true
	}
	if !ok {
		return fmt.Errorf("not a header field: %q", text)
	}
	r.name, r.value = strings.TrimSpace(name), strings.TrimSpace(value)
	s.fields = append(s.fields, r)
	return nil
}

// status reads the first word as a status, 0 if it is a method.
func (s *step) status() int {
	n, err := strconv.Atoi(s.words[0])
	if err != nil || n < 100 || n > 699 {
		return 0
	}
	return n
}

func (s *step) word(i int) string {
	if i < len(s.words) {
		return s.words[i]
	}
	return ""
}
