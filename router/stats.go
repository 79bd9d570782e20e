package router

import (
	"slices"
	"strconv"
	"sync/atomic"

	"sipedge/sip"
)

// errorClasses are the classes of sip.ParseError; the last stands for any other.
var errorClasses = []string{
	"start-line", "header", "via", "from", "to", "call-id", "cseq", "max-forwards",
	"content-length", "duplicate", "limit", "body", "uri", "other",
}

func classIndex(class string) int {
	if i := slices.Index(errorClasses, class); i >= 0 {
		return i
	}
	return len(errorClasses) - 1
}

const methods = int(sip.PRACK) + 1

type counters struct {
	requests  [methods]atomic.Uint64
	replies   [10]atomic.Uint64 // by the first digit
	malformed [16]atomic.Uint64

	unanswered, dropped, drained, overload, panics, unfit, skipped, suspended atomic.Uint64
}

// Stats are counters since the start.
type Stats struct {
	Requests  []Count // received, by method
	Replies   []Count // received, by class: 1xx …
	Malformed []Count // received, by what was wrong: sip.ParseError's classes

	Unanswered uint64 // requests a policy ran off its end for: answered 404 by the engine
	Dropped    uint64 // requests a policy dropped
	Drained    uint64 // new dialogs refused while draining
	Overload   uint64 // new dialogs refused because too much waited
	Panics     uint64
	Skipped    uint64 // runs of timer routes: the one before went on, or the pool was full
	Suspended  uint64 // requests that went on in the pool, since a step had to wait
	Unfit      uint64 // values that were none for their variable, which has none then

	Rules []RuleCount // of the current policy, since it was swapped in
}

// Count is a counter with its label.
type Count struct {
	Label string
	N     uint64
}

// RuleCount is how often a rule matched. Rule is its name, or its number from 1.
type RuleCount struct {
	Type, Route, Rule string
	Hits              uint64
}

// Stats returns the Router's own counters.
func (r *Router) Stats() Stats {
	c := &r.count
	s := Stats{
		Unanswered: c.unanswered.Load(), Dropped: c.dropped.Load(),
		Drained: c.drained.Load(), Panics: c.panics.Load(), Skipped: c.skipped.Load(),
		Unfit: c.unfit.Load(), Overload: c.overload.Load(), Suspended: c.suspended.Load(),
	}
	for i := range c.requests {
		name := sip.Method(i).String()
		if name == "" {
			name = "other"
		}
		s.Requests = append(s.Requests, Count{name, c.requests[i].Load()})
	}
	for i := 1; i <= 6; i++ {
		s.Replies = append(s.Replies, Count{string('0'+byte(i)) + "xx", c.replies[i].Load()})
	}
	for i, class := range errorClasses {
		s.Malformed = append(s.Malformed, Count{class, c.malformed[i].Load()})
	}
	if p := r.policy.Load(); p != nil {
		s.Rules = p.hits()
	}
	return s
}

func (p *Policy) hits() []RuleCount {
	var out []RuleCount
	for _, r := range p.all {
		for i := range r.rules {
			name := r.rules[i].name
			if name == "" {
				name = strconv.Itoa(i + 1)
			}
			out = append(out, RuleCount{r.of.String(), r.name, name, r.rules[i].hits.Load()})
		}
	}
	return out
}
