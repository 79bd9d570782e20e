package action

import (
	"context"
	"strconv"

	"sipedge/router/job"
	"sipedge/router/vars"
	"sipedge/schema"
)

var setKind = Kind{
	Kind: schema.Kind{
		Name: "set",
		Doc: "Sets variables: each then has this one value. A text with placeholders is read as " +
			"what the variable holds; when it is none of that, or empty, the variable is unset.",
		Schema: `{[#VarName]: #VarValue}`,
		Where:  schema.Anywhere,
	},
	New: build(func(d *decoder) job.Step { return &set{d.assignments(d.args), d.Unfit} }),
}

type set struct {
	list  []assignment
	unfit func()
}

func (s *set) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	for i := range s.list {
		a := &s.list[i]
		fits, err := a.to.Set(j, a.value.expand(j))
		if err != nil {
			return job.Next, err
		}
		if !fits && s.unfit != nil {
			s.unfit()
		}
	}
	return job.Next, nil
}

var pushKind = Kind{
	Kind: schema.Kind{
		Name: "push",
		Doc: "Puts a value on top of those a variable has: {avp.x} is then the new one, {avp.x[1]} " +
			"the one before. A text that is none of what the variable holds, or empty, adds none. " +
			"A variable holds 64 values at most: one more fails the request.",
		Schema: `{[#VarName]: #VarValue}`,
		Where:  schema.Anywhere,
	},
	New: build(func(d *decoder) job.Step { return &push{d.assignments(d.args), d.Unfit} }),
}

type push struct {
	list  []assignment
	unfit func()
}

func (s *push) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	for i := range s.list {
		a := &s.list[i]
		fits, err := a.to.Push(j, a.value.expand(j))
		if err != nil {
			return job.Next, err
		}
		if !fits && s.unfit != nil {
			s.unfit()
		}
	}
	return job.Next, nil
}

var popKind = Kind{
	Kind: schema.Kind{
		Name:   "pop",
		Doc:    "Removes the newest value of a variable, or of each in a list, if it has one.",
		Schema: `#VarName | [#VarName, ...#VarName]`,
		Where:  schema.Anywhere,
	},
	New: build(func(d *decoder) job.Step { return &pop{d.variables(d.args)} }),
}

type pop struct{ list []*vars.Var }

func (s *pop) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	for _, v := range s.list {
		v.Pop(j)
	}
	return job.Next, nil
}

var unsetKind = Kind{
	Kind: schema.Kind{
		Name:   "unset",
		Doc:    "Removes all values of a variable, or of each in a list.",
		Schema: `#VarName | [#VarName, ...#VarName]`,
		Where:  schema.Anywhere,
	},
	New: build(func(d *decoder) job.Step { return &unset{d.variables(d.args)} }),
}

type unset struct{ list []*vars.Var }

func (s *unset) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	for _, v := range s.list {
		v.Unset(j)
	}
	return job.Next, nil
}

// assignment is a variable with what it is to hold.
type assignment struct {
	to    *vars.Var
	value text
}

// assignments decodes a map of variables.
func (d *decoder) assignments(v *schema.Value) (list []assignment) {
	for i := range v.Keys {
		k := &v.Keys[i]
		to, diags := d.Vars.Find(schema.Text{S: k.Name, Pos: k.Pos})
		d.diags = append(d.diags, diags...)
		if to == nil {
			continue
		}
		if value, ok := d.valueFor(to, &k.Value); ok {
			list = append(list, assignment{to, value})
		}
	}
	return list
}

// valueFor compiles what a variable is to hold.
func (d *decoder) valueFor(to *vars.Var, v *schema.Value) (text, bool) {
	lit := ""
	switch v.Kind {
	case schema.Int:
		lit = strconv.FormatInt(v.N, 10)
	case schema.Bool:
		lit = strconv.FormatBool(v.B)
	default:
		return d.textFor(to, v)
	}
	if to.Type != scalars[v.Kind] {
		p := v.Problem(schema.WrongVariable, "%q holds %s, not %s", to.Name, to.Type.Thing(), lit)
		if to.Type == vars.String {
			p.Hint = "put it in quotes"
		}
		d.diags = append(d.diags, p)
		return text{}, false
	}
	return text{lit: []byte(lit)}, true
}

// scalars are the types of values that are no text.
var scalars = map[schema.ValueKind]vars.Type{schema.Int: vars.Int, schema.Bool: vars.Bool}

// textFor compiles a template for what a variable is to hold.
func (d *decoder) textFor(to *vars.Var, v *schema.Value) (t text, ok bool) {
	if t, ok = d.text(v); !ok {
		return t, false
	}
	switch {
	case !t.literal():
		if of := t.tmpl.Type(); !to.Type.Takes(of) {
			d.diags = append(d.diags, v.Problem(schema.WrongVariable,
				"%q holds %s, and this is %s", to.Name, to.Type.Thing(), of.Thing()))
			return t, false
		}
	case len(t.lit) == 0:
		p := v.Problem(schema.WrongVariable, "an empty text is no value")
		p.Hint = "`unset: " + to.Name + "` removes what it holds"
		d.diags = append(d.diags, p)
		return t, false
	case to.Type == vars.Int || to.Type == vars.Bool || !to.Type.Fits(t.lit):
		p := v.Problem(schema.WrongVariable, "%q holds %s, not %q", to.Name, to.Type.Thing(), t.lit)
		if to.Type.Fits(t.lit) {
			p.Hint = "write it without quotes"
		}
		d.diags = append(d.diags, p)
		return t, false
	}
	return t, true
}

// variables decodes a name, or a list of them.
func (d *decoder) variables(v *schema.Value) (list []*vars.Var) {
	v.Each(func(v *schema.Value) {
		found, diags := d.Vars.Find(v.Text())
		d.diags = append(d.diags, diags...)
		if found != nil {
			list = append(list, found)
		}
	})
	return list
}
