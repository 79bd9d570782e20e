package policytest

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"sipedge/router"
	"sipedge/router/job"
	"sipedge/router/trace"
	"sipedge/schema"
)

// Coverage is how often the tests of a policy reached its rules and arms.
type Coverage struct {
	Policy string      `json:"policy"`
	Rules  []RuleCover `json:"rules"`
}

// RuleCover is one rule, in the author's order.
type RuleCover struct {
	Type  string     `json:"type"`
	Route string     `json:"route"`
	Rule  string     `json:"rule"` // its name, else its number from 1
	Pos   string     `json:"pos"`
	Hits  int        `json:"hits"`
	Arms  []ArmCover `json:"arms,omitempty"`
}

// ArmCover is a failure arm of a step of a rule.
type ArmCover struct {
	Step   int    `json:"step"` // from 1
	Action string `json:"action"`
	Arm    string `json:"arm"`
	Route  string `json:"route"`
	Hits   int    `json:"hits"`
}

// Cover counts what results reached, policy by policy.
func Cover(results []Result) (all []Coverage) {
	at := map[string]*counts{}
	var order []*counts
	for i := range results {
		f := results[i].File
		c := at[f.Policy]
		if c == nil {
			c = newCounts(f)
			at[f.Policy] = c
			order = append(order, c)
		}
		c.add(&results[i].Scene.Trace)
	}
	for _, c := range order {
		all = append(all, c.Coverage)
	}
	return all
}

type counts struct {
	Coverage
	index map[string]int // of the first rule, by type and route
}

func newCounts(f *File) *counts {
	c := &counts{Coverage{Policy: f.Policy}, map[string]int{}}
	kinds := map[string]*schema.Kind{}
	for i := range router.Vocabulary().Actions {
		k := &router.Vocabulary().Actions[i]
		kinds[k.Name] = k
	}
	lists(f.doc, func(of schema.Place, route string, rules []schema.Rule) {
		c.index[of.String()+" "+route] = len(c.Rules)
		for i := range rules {
			r := RuleCover{
				Type: of.String(), Route: route, Rule: rules[i].Name,
				Pos: fmt.Sprintf("%s:%d", rules[i].Pos.File, rules[i].Pos.Line),
			}
			if r.Rule == "" {
				r.Rule = strconv.Itoa(i + 1)
			}
			for s := range rules[i].Do {
				step := &rules[i].Do[s]
				for _, arm := range kinds[step.Kind].Arms {
					if to := step.Args.Get(arm); to.Kind == schema.String {
						r.Arms = append(r.Arms, ArmCover{s + 1, step.Kind, arm, to.S, 0})
					}
				}
			}
			c.Rules = append(c.Rules, r)
		}
	})
	return c
}

func (c *counts) add(t *job.Trace) {
	t.Matched(func(r *job.Run, try *job.Try) {
		rule := &c.Rules[c.index[r.Type+" "+r.Route]+try.Index]
		if !try.Again {
			rule.Hits++
		}
		for _, s := range try.Steps {
			for _, sub := range s.Runs {
				for i := range rule.Arms {
					if a := &rule.Arms[i]; a.Step == s.Index+1 && a.Route == sub.Route {
						a.Hits++
					}
				}
			}
		}
	})
}

// Reached counts the rules and arms that were reached, of how many.
func (c *Coverage) Reached() (rules, ofRules, arms, ofArms int) {
	for i := range c.Rules {
		r := &c.Rules[i]
		ofRules++
		if r.Hits > 0 {
			rules++
		}
		for _, a := range r.Arms {
			ofArms++
			if a.Hits > 0 {
				arms++
			}
		}
	}
	return rules, ofRules, arms, ofArms
}

// WriteCover tells a person what no test reached.
func WriteCover(w io.Writer, all []Coverage) error {
	p := writer{w: w}
	for i := range all {
		c := &all[i]
		rules, ofRules, arms, ofArms := c.Reached()
		p.line("%s: %d of %d rules, %d of %d arms reached", c.Policy, rules, ofRules, arms, ofArms)
		for _, r := range c.Rules {
			name := r.title()
			if r.Hits == 0 {
				p.line("  %s: never reached: %s", r.Pos, name)
				continue
			}
			missed := slices.DeleteFunc(slices.Clone(r.Arms), func(a ArmCover) bool { return a.Hits > 0 })
			var list []string
			for _, a := range missed {
				list = append(list, fmt.Sprintf("%s of %s", a.Arm, a.Action))
			}
			if list != nil {
				p.line("  %s: never taken: %s: %s", r.Pos, name, strings.Join(list, ", "))
			}
		}
	}
	return p.err
}

// title names the rule, or the route that has none.
func (r *RuleCover) title() string {
	name := r.Type + " route"
	if r.Type != r.Route {
		name += " " + r.Route
	}
	if (trace.PathItem{Type: r.Type}).Steps() {
		return name
	}
	return name + ", rule " + r.Rule
}
