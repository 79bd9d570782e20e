package router

import (
	"context"

	"sipedge/router/job"
)

// traced is Run with everything told to the job's trace, as long as it has room:
// the same rules match, and of those passed over it asks why, unless it is brief.
func (r *route) traced(ctx context.Context, j *job.Job) (verdict job.Verdict) {
	run := j.Enter(r.of, r.name)
	defer func() { j.Leave(run, verdict) }()
	for from := 0; ; {
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
		told := j.Trace.Fits()
		if told {
			j.Tried(run, r.try(i, nil))
		}
		for s, step := range rule.steps {
			done := func(job.Verdict, error) {}
			if told {
				done = j.Step(run, s, rule.kinds[s], r.values)
			}
			v, err := step.Run(ctx, j)
			done(v, err)
			switch {
			case err != nil:
				return r.fail(ctx, j, rule, err)
			case v == job.Return:
				return job.Next
			case v != job.Next:
				return v
			}
		}
		from = i + 1
	}
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
