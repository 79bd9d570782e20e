package walk

import (
	"slices"
	"strings"

	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/schema"
)

// end ends the run. Its conditions: those of the rules that ran, down to the first that ends
// the run however it goes and is not on the way to the goal.
func (r *Run) end() verdict {
	r.Ended, r.Way = true, slices.Clone(r.frames)
	cut, cutting := len(r.frames), false
	for depth, f := range r.frames {
		if f.List.Rules[f.Rule].Ends && !r.goal.Passes(f) {
			cut, cutting = depth+1, true
			break
		}
	}
	if !cutting {
		r.forked()
	}
	var all []*formula.Node
	for c := r.conds; c != nil; c = c.up {
		if !c.way && (c.depth < cut || c.depth == cut && (!cutting || c.rule)) {
			all = append(all, r.why(c.n, true, c.at))
		}
	}
	slices.Reverse(all)
	r.Exclude = formula.All(all...)
	return stop
}

// missed ends a run in which a rule of the way did not match.
func (r *Run) missed(match *formula.Node, at moment) verdict {
	r.forked()
	r.Exclude = r.why(match, false, at)
	return stop
}

// lost ends a run that can't be known from here on.
func (r *Run) lost(why string) verdict {
	r.weaken(why)
	r.Exclude = r.under(r.conds)
	return stop
}

// forked weakens what is excluded where a branch route runs for other branches too.
func (r *Run) forked() {
	if r.more && r.j.Place == schema.InBranch {
		r.weaken("which branch append_branch made")
	}
}

// weaken notes that what is excluded may be too much.
func (r *Run) weaken(why string) {
	if r.Unsure == "" {
		r.Unsure = why
	}
}

// unknown notes that what a key holds is not known any more.
func (r *Run) unknown(key, why string) {
	if r.wild == nil {
		r.wild = map[string]string{}
	}
	r.wild[key] = why
	r.blind |= r.p.Bit(key)
}

// doubt notes that variables of a kind, of those a set of keys has, are not known.
func (r *Run) doubt(prefix string, mask uint64, why string) {
	for name := range r.p.Types {
		if strings.HasPrefix(name, prefix) && r.p.Bit(name)&r.p.Written&mask != 0 {
			r.unknown(name, why+name)
		}
	}
}

// reading notes when some keys that are read are not known.
func (r *Run) reading(keys uint64) {
	for key, why := range r.wild {
		if r.p.Bit(key)&keys != 0 {
			r.Perhaps = why
		}
	}
}

// learn notes that what some keys hold is known again.
func (r *Run) learn(keys []string) {
	r.blind = 0
	for _, key := range keys {
		delete(r.wild, key)
	}
	for key := range r.wild {
		r.blind |= r.p.Bit(key)
	}
}

// blindTo says why it can't be known which of some rules match; "" it can.
func (r *Run) blindTo(rules []graph.Rule) (why string) {
	if r.blind == 0 {
		return ""
	}
	for i := range rules {
		if rules[i].Reads&r.blind == 0 {
			continue
		}
		rules[i].Match.Each(func(l formula.Lit) {
			if w := r.wild[graph.KeyOf(l.Slot)]; w != "" {
				why = w
			}
		})
		if why != "" {
			return why
		}
	}
	return ""
}
