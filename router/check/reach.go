package check

import (
	"cmp"
	"slices"

	"sipedge/router/check/example"
	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/router/check/walk"
	"sipedge/schema"
)

// Status of a rule.
type Status uint8

const (
	Reached     Status = iota // there is a message that it runs for
	Unreachable               // there is none
	Undecided
)

// String names the status in lower case.
func (s Status) String() string {
	return [...]string{"reached", "unreachable", "undecided"}[s]
}

// Verdict is what is proved of one rule.
type Verdict struct {
	Route  string // request, or the type and name: "sub outbound"
	Rule   *schema.Rule
	Index  int // in its route, from 0
	Status Status
	// Reached: it runs the rule; nil: the start or a timer does. Unreachable: one that another takes.
	Example *example.Message
	Takers  []*schema.Rule // unreachable: who takes its messages; none: it excludes itself
	Why     string         // undecided

	called bool   // its route is called from others
	unset  string // a variable that nothing sets to what the rule asks
}

// maxAgain is how often a way comes back to a failure route.
const maxAgain = 2

// reach decides one rule.
func reach(p *graph.Policy, l *graph.List, i int) Verdict {
	v := Verdict{
		Route: l.Title(), Rule: l.Rules[i].Src, Index: i, called: len(l.Calls) > 0,
	}
	for _, again := range []int{0, maxAgain} { // what an earlier attempt left may bring it there
		ways, back, many := p.Ways(l, again)
		v.Status, v.Why, v.Takers, v.Example = Unreachable, "", nil, nil
		for _, way := range ways {
			v.take(find(p, &walk.Goal{List: l, Rule: i, Step: -1, Way: way}, nil, nil))
			if v.Status == Reached {
				return v
			}
		}
		back = back && changes(p, ways, l)
		switch {
		case v.Status == Undecided:
		case len(ways) == 0:
			v.Status, v.Why = Undecided, "nothing uses its route"
		case many:
			v.Status, v.Why = Undecided, "too many ways lead there"
		case back && again > 0:
			v.Status, v.Why = Undecided, "later attempts may bring it there"
		}
		if !back {
			break
		}
	}
	slices.SortFunc(v.Takers, func(a, b *schema.Rule) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line))
	})
	v.unset = missing(p, &l.Rules[i])
	return v
}

// changes reports whether the rules on ways read what steps write.
func changes(p *graph.Policy, ways [][]graph.Call, to *graph.List) bool {
	reads := func(l *graph.List) bool {
		return slices.ContainsFunc(l.Rules, func(r graph.Rule) bool { return r.Reads&p.Written != 0 })
	}
	return reads(to) || slices.ContainsFunc(ways, func(way []graph.Call) bool {
		return slices.ContainsFunc(way, func(c graph.Call) bool { return reads(c.From) })
	})
}

// missing is a variable that must be set for a rule to match, and that nothing writes.
func missing(p *graph.Policy, r *graph.Rule) (name string) {
	r.Match.Each(func(l formula.Lit) {
		if l.Kind == formula.Variable && !l.Neg && p.Written&p.Bit(l.Name) == 0 {
			name = l.Name
		}
	})
	return name
}

// take takes the result of the search on one way.
func (v *Verdict) take(s *search) {
	switch {
	case s.run != nil:
		v.Status, v.Example, v.Takers, v.Why = Reached, s.found, nil, ""
		if s.found != nil && s.found.Assumes != "" {
			v.Status, v.Why = Undecided, s.found.Assumes
		}
	case s.unsure != "":
		v.Status, v.Why = Undecided, s.unsure
	case v.Status == Unreachable:
		for _, r := range s.takers {
			if !slices.Contains(v.Takers, r) {
				v.Takers = append(v.Takers, r)
			}
		}
		if v.Example == nil {
			v.Example = s.missed
		}
	}
}
