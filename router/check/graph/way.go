package graph

import (
	"slices"

	"sipedge/schema"
)

// maxWays is how many ways to one list are followed.
const maxWays = 24

// Ways are the paths of calls from where runs begin to a list. A path comes back to a failure
// route so often at most; more: there are others, by coming back again or because they are too
// many.
func (p *Policy) Ways(to *List, again int) (ways [][]Call, back, many bool) {
	var climb func(l *List, below []Call, again int)
	climb = func(l *List, below []Call, again int) {
		switch {
		case len(ways) >= maxWays:
			many = true
			return
		case l.Begins():
			if p.keeps(below, to) {
				ways = append(ways, below)
			}
			return
		}
		for _, c := range l.Calls {
			left := again
			if c.From == l || slices.ContainsFunc(below, func(b Call) bool { return b.From == c.From }) {
				if left--; left < 0 {
					back = true
					continue
				}
			}
			climb(c.From, append([]Call{c}, below...), left)
		}
		if l == p.EveryReply() && p.strays {
			ways = append(ways, below) // replies to what was forwarded come by themselves
		}
	}
	climb(to, nil, again)
	return ways, back, many
}

// Begins reports whether a run begins with a list.
func (l *List) Begins() bool {
	switch l.Of {
	case schema.InRequest, schema.InError, schema.InStartup, schema.InTimer:
		return true
	}
	return false
}

// Entry is where a way begins.
func Entry(way []Call, to *List) *List {
	if len(way) > 0 {
		return way[0].From
	}
	return to
}

// Leads is the step of a call.
func (c *Call) Leads() *Step { return &c.From.Rules[c.Rule].Steps[c.Step] }

// keeps reports whether the branch and reply routes on a way are those that its relays named
// last.
func (p *Policy) keeps(way []Call, to *List) bool {
	var takes Takes
	for i, c := range way {
		if c.How != ByHook {
			continue
		}
		takes.Keep(&c.Leads().Takes)
		next := to
		if i+1 < len(way) {
			next = way[i+1].From
		}
		named := next.Of == schema.InBranch || next.Of == schema.InReply && next != p.EveryReply()
		if named && *takes.of(next.Of) != next {
			return false
		}
	}
	return true
}
