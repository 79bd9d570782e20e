package action

import (
	"context"

	"sipedge/router/edit"
	"sipedge/router/job"
	"sipedge/schema"
)

var prefixKind = Kind{
	Kind: schema.Kind{
		Name:   "prefix",
		Doc:    "Puts a text before the user of the Request-URI.",
		Schema: `#Text`,
		Where:  uriPlaces,
	},
	New: build(func(d *decoder) job.Step {
		t, _ := d.text(d.args)
		return &prefix{t}
	}),
}

type prefix struct{ text text }

func (s *prefix) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	return job.Next, edit.PrefixUser(j.Msg, s.text.expand(j))
}

var stripKind = Kind{
	Kind: schema.Kind{
		Name: "strip",
		Doc: "Takes that many characters off the front of the Request-URI's user. A user with " +
			"no more characters than that fails the request: an empty user would lead elsewhere.",
		Schema: `int & >=1 & <=255 @says("a number of characters","1 to 255")`,
		Where:  uriPlaces,
	},
	New: build(func(d *decoder) job.Step { return &strip{n: int(d.args.N)} }),
}

var stripTailKind = Kind{
	Kind: schema.Kind{
		Name:   "strip_tail",
		Doc:    "Takes that many characters off the end of the Request-URI's user; see strip.",
		Schema: `int & >=1 & <=255 @says("a number of characters","1 to 255")`,
		Where:  uriPlaces,
	},
	New: build(func(d *decoder) job.Step { return &strip{n: int(d.args.N), tail: true} }),
}

type strip struct {
	n    int
	tail bool
}

func (s *strip) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	return job.Next, edit.StripUser(j.Msg, s.n, s.tail)
}
