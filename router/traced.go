package router

import (
	"context"

	"sipedge/router/job"
)

// traced is Run with everything told to the job's trace, as long as it has room:
// the same rules match, and of those passed over it asks why, unless it is brief.
// A run that waited goes on at a step; rule -1: it begins.
func (r *route) traced(ctx context.Context, j *job.Job, at point) (verdict job.Verdict) {
	run := j.Enter(r.of, r.name)
	defer func() { j.Leave(run, verdict) }()
	if at.rule >= 0 {
		again := r.try(at.rule, nil)
		again.Again = true
		j.Tried(run, again)
		if v, on := r.told(ctx, j, run, at); !on {
			return v
		}
	}
	for from := at.rule + 1; ; {
		i := r.table.Match(j, from)
		end := i
		if i < 0 {
			end = len(r.rules)
		}
		for ; from < end && !j.Trace.Brief && j.Trace.Fits(); from++ {
			if miss, matches := r.table.Why(j, from); !matches {
				r.complete(j, &miss)
				j.Tried(run, r.try(from, &miss))
			}
		}
		if i < 0 {
			return job.Next
		}
		rule := &r.rules[i]
		rule.hits.Add(1)
		if j.Trace.Fits() {
			j.Tried(run, r.try(i, nil))
		}
		if v, on := r.told(ctx, j, run, point{rule: i}); !on {
			return v
		}
		from = i + 1
	}
}

// told runs the steps of a rule from one on, and tells of each. on: the next rule is to be tried.
func (r *route) told(
	ctx context.Context, j *job.Job, run *job.Run, at point,
) (v job.Verdict, on bool) {
	rule := &r.rules[at.rule]
	for s := at.step; s < len(rule.steps); s++ {
		done := func(job.Verdict, error) {}
		if j.Trace.Fits() {
			done = j.Step(run, s, rule.kinds[s], r.values)
		}
		v, err := rule.steps[s].Run(ctx, j)
		done(v, err)
		if v != job.Next || err != nil {
			return r.end(ctx, j, point{at.rule, s}, v, err), false
		}
	}
	return job.Next, true
}

// values are the variables that are set.
func (r *route) values(j *job.Job) (set []job.Edit) {
	for _, v := range r.vars.Vars() {
		if text := v.Show(j); text != "" {
			set = append(set, job.Edit{Field: v.Name, Before: text})
		}
	}
	return set
}

// complete says of a variable what it was.
func (r *route) complete(j *job.Job, miss *job.Miss) {
	for _, v := range r.vars.Vars() {
		if v.Name == miss.Field {
			if miss.Value = v.Show(j); miss.Value == "" {
				miss.Value = "unset"
			}
		}
	}
}

func (r *route) try(i int, failed *job.Miss) job.Try {
	rule := &r.rules[i]
	return job.Try{Index: i, Name: rule.name, Pos: rule.pos, Failed: failed}
}
