package check

import (
	"slices"
	"strings"

	"sipedge/router/check/example"
	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/router/check/walk"
	"sipedge/schema"
)

// Difference is what differs between two policies.
type Difference struct {
	Rules     []RuleChange
	Decisions []Decision
}

// RuleChange is a rule that is not in both policies, or not the same.
type RuleChange struct {
	Route, Rule string
	How         string // added, removed, changed, moved
	Line        int    // in the new policy; of a removed rule, in the old
}

// Decision is a kind of request that the policies decide differently.
type Decision struct {
	Example  *example.Message
	Old, New string // the rules that decide, and what they do
}

// Diff compares what two policies decide for requests. Each pair of rules that decide
// differently is told once, with an example.
func Diff(before, after *schema.Document) *Difference {
	old, new := graph.New(before), graph.New(after)
	d := &Difference{Rules: ruleChanges(old, new)}
	seen := map[[2]string]bool{}
	compare := func(p, other *graph.Policy, swapped bool) {
		for _, l := range p.Lists {
			for i := range l.Rules {
				for _, c := range differing(p, other, l, i) {
					if swapped {
						c.Old, c.New = c.New, c.Old
					}
					if key := [2]string{c.Old, c.New}; !seen[key] {
						seen[key] = true
						d.Decisions = append(d.Decisions, c)
					}
				}
			}
		}
	}
	compare(new, old, false)
	compare(old, new, true)
	return d
}

// differing searches requests that run a rule and that another policy decides differently. In
// the result, New is the decision of p.
func differing(p, other *graph.Policy, l *graph.List, i int) (out []Decision) {
	ways, _, _ := p.Ways(l, 0)
	for _, way := range ways {
		if graph.Entry(way, l) != p.Request || slices.ContainsFunc(way, func(c graph.Call) bool {
			return c.How == graph.ByHook
		}) {
			continue
		}
		var told []string
		memo := walk.NewMemo()
		g := &walk.Goal{List: l, Rule: i, Step: -1, Way: way}
		find(p, g, nil, func(_ *walk.Run, m *example.Model) *formula.Node {
			mine, msg, ok := walk.Play(p, m, p.Request, nil, memo)
			theirs, _, same := walk.Play(other, m, other.Request, nil, memo)
			if !ok || !same {
				return formula.Always
			}
			a, b := decision(mine), decision(theirs)
			if x, y := effect(mine), effect(theirs); x != y {
				if a == b { // a step before the last is another
					a, b = who(mine)+": "+x, who(theirs)+": "+y
				}
				if !slices.Contains(told, a+b) {
					told = append(told, a+b)
					out = append(out, Decision{Example: msg, New: a, Old: b})
				}
			}
			return formula.All(mine.Exclude, theirs.Exclude)
		})
	}
	return out
}

// effect is all that a run did to its request.
func effect(o *walk.Run) string {
	var steps []string
	for _, s := range o.Taken {
		switch s.Src.Kind {
		case "route", "return", "log":
			continue
		}
		steps = append(steps, s.Src.Kind+formula.Show(&s.Src.Args))
	}
	return strings.Join(steps, ", ")
}

// decision names the rules that ended a run, and how.
func decision(o *walk.Run) string {
	if !o.Ended || len(o.Taken) == 0 {
		return who(o)
	}
	s := o.Taken[len(o.Taken)-1].Src
	return who(o) + ": " + s.Kind + formula.Show(&s.Args)
}

// who names the rules that ended a run.
func who(o *walk.Run) string {
	if !o.Ended {
		return "no rule answers"
	}
	return describe(o.Way)
}

// ruleChanges compares rules by name, those without by what they say.
func ruleChanges(old, new *graph.Policy) (list []RuleChange) {
	type entry struct {
		text string
		at   int
		line int
	}
	read := func(p *graph.Policy) (map[[2]string]entry, [][2]string) {
		rules, order := map[[2]string]entry{}, [][2]string{}
		for _, l := range p.Lists {
			for i := range l.Rules {
				r := l.Rules[i].Src
				text := said(r)
				key := [2]string{l.Title(), r.Name}
				if r.Name == "" {
					key[1] = text
				}
				rules[key] = entry{text, i, r.Pos.Line}
				order = append(order, key)
			}
		}
		return rules, order
	}
	was, oldOrder := read(old)
	is, newOrder := read(new)
	// A rule moved when it stands elsewhere among those that are in both.
	common := func(order [][2]string, in map[[2]string]entry) (keys [][2]string) {
		for _, k := range order {
			if _, ok := in[k]; ok {
				keys = append(keys, k)
			}
		}
		return keys
	}
	a, b := common(oldOrder, is), common(newOrder, was)
	for n, key := range newOrder {
		e := is[key]
		how := ""
		before, ok := was[key]
		switch {
		case !ok:
			how = "added"
		case before.text != e.text:
			how = "changed"
		case slices.Index(a, key) != slices.Index(b, key):
			how = "moved"
		}
		if how != "" && slices.Index(newOrder, key) == n {
			list = append(list, RuleChange{key[0], key[1], how, e.line})
		}
	}
	for _, key := range oldOrder {
		if _, ok := is[key]; !ok {
			list = append(list, RuleChange{key[0], key[1], "removed", was[key].line})
		}
	}
	return list
}

// said is all a rule says, but for its name and its waivers.
func said(r *schema.Rule) string {
	var b strings.Builder
	if r.Match != nil {
		b.WriteString("match:")
		b.WriteString(formula.Show(r.Match))
		b.WriteByte(' ')
	}
	b.WriteString("do:")
	for i := range r.Do {
		b.WriteString(" " + r.Do[i].Kind)
		b.WriteString(formula.Show(&r.Do[i].Args))
	}
	return b.String()
}
