package check

import (
	"fmt"
	"slices"
	"strings"

	"sipedge/router/check/example"
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
	old, new := newPolicy(before), newPolicy(after)
	d := &Difference{Rules: changes(old, new)}
	seen := map[[2]string]bool{}
	compare := func(p, other *policy, swapped bool) {
		for _, l := range p.lists {
			for i := range l.rules {
				for _, c := range p.differing(other, l, i) {
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
func (p *policy) differing(other *policy, l *list, i int) (out []Decision) {
	for _, way := range p.ways(l) {
		if entry(way, l).of != schema.InRequest || slices.ContainsFunc(way, func(c call) bool {
			return c.how == byHook
		}) {
			continue
		}
		var told []string
		p.find(&goal{list: l, rule: i, step: -1, way: way}, nil,
			func(m *example.Model, _ *outcome) []*example.Node {
				mine, msg := p.example(p.request, m, nil)
				theirs, _ := other.example(other.request, m, nil)
				if mine == nil || theirs == nil {
					return []*example.Node{{}}
				}
				a, b := mine.decision(), theirs.decision()
				if mine.effect() != theirs.effect() && !slices.Contains(told, a+b) {
					told = append(told, a+b)
					out = append(out, Decision{Example: msg, New: a, Old: b})
				}
				return append(slices.Clone(mine.conds), theirs.conds...)
			})
	}
	return out
}

// effect is all that a run did to its request.
func (o *outcome) effect() string {
	var b strings.Builder
	for _, s := range o.taken {
		switch s.src.Kind {
		case "route", "return", "log":
			continue
		}
		b.WriteString(s.src.Kind)
		write(&b, &s.src.Args)
	}
	return b.String()
}

// decision names the rules that ended a run, and how.
func (o *outcome) decision() string {
	if !o.ended {
		return "no rule answers"
	}
	var b strings.Builder
	b.WriteString(describe(o.way))
	if len(o.taken) > 0 {
		s := o.taken[len(o.taken)-1].src
		fmt.Fprintf(&b, ": %s", s.Kind)
		write(&b, &s.Args)
	}
	return b.String()
}

// write writes a value in one line.
func write(b *strings.Builder, v *schema.Value) {
	switch v.Kind {
	case schema.None:
	case schema.Map:
		b.WriteString(" {")
		for i := range v.Keys {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString(" " + v.Keys[i].Name + ":")
			write(b, &v.Keys[i].Value)
		}
		b.WriteString(" }")
	case schema.List:
		b.WriteString(" [")
		for i := range v.Items {
			write(b, &v.Items[i])
		}
		b.WriteString(" ]")
	default:
		b.WriteString(" " + v.Show())
	}
}

// changes compares rules by name, those without by what they say.
func changes(old, new *policy) (list []RuleChange) {
	type entry struct {
		text string
		at   int
		line int
	}
	read := func(p *policy) (map[[2]string]entry, [][2]string) {
		rules, order := map[[2]string]entry{}, [][2]string{}
		for _, l := range p.lists {
			for i := range l.rules {
				r := l.rules[i].src
				text := said(r)
				key := [2]string{l.title(), r.Name}
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
		write(&b, r.Match)
		b.WriteByte(' ')
	}
	b.WriteString("do:")
	for i := range r.Do {
		b.WriteString(" " + r.Do[i].Kind)
		write(&b, &r.Do[i].Args)
	}
	return b.String()
}
