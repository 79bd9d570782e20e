package action

import (
	"context"

	"sipedge/router/edit"
	"sipedge/router/job"
	"sipedge/schema"
)

const uriPlaces = schema.InRequest | schema.InBranch | schema.InFailure

var rewriteURIKind = Kind{
	Kind: schema.Kind{
		Name:   "rewrite_uri",
		Doc:    "Replaces the Request-URI.",
		Schema: `#Text`,
		Where:  uriPlaces,
	},
	New: build(func(d *decoder) job.Step {
		t, _ := d.uri(d.args)
		d.leads(d.args, t, false)
		return &rewriteURI{t}
	}),
}

type rewriteURI struct{ uri text }

func (s *rewriteURI) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	uri := s.uri.expand(j)
	if !s.uri.literal() && !edit.IsRequestURI(uri) {
		return job.Next, edit.ErrURI
	}
	j.Msg.SetRURI(uri)
	return job.Next, nil
}

var revertURIKind = Kind{
	Kind: schema.Kind{
		Name:   "revert_uri",
		Doc:    "Puts the Request-URI back as it was received.",
		Schema: `{}`,
		Where:  uriPlaces,
	},
	New: build(func(*decoder) job.Step { return revertURI{} }),
}

type revertURI struct{}

func (revertURI) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	if j.Received != nil {
		j.Msg.SetRURI(j.Received)
	}
	return job.Next, nil
}

var setUserKind = Kind{
	Kind: schema.Kind{
		Name: "set_user",
		Doc: "Sets the user of the Request-URI; what cannot stand in a user is escaped. " +
			"A text that comes out empty fails the request, as does one that is no number in a tel URI.",
		Schema: `#Text`,
		Where:  uriPlaces,
	},
	New: build(func(d *decoder) job.Step {
		t, ok := d.text(d.args)
		if ok && t.literal() && len(t.lit) == 0 {
			d.errorf(d.args, schema.BadValue, "a user cannot be empty")
		}
		return &setUser{t}
	}),
}

type setUser struct{ user text }

func (s *setUser) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	return job.Next, edit.SetUser(j.Msg, s.user.expand(j))
}

var setHostKind = Kind{
	Kind: schema.Kind{
		Name:   "set_host",
		Doc:    "Sets the host of the Request-URI: a domain name or an IP address. The port stays.",
		Schema: `#Text`,
		Where:  uriPlaces,
	},
	New: build(func(d *decoder) job.Step {
		t, ok := d.text(d.args)
		if ok && t.literal() && !edit.IsHost(t.lit) {
			d.errorf(d.args, schema.BadHost, "%q is not a host", d.args.S)
		}
		d.leads(d.args, text{lit: append([]byte("sip:"), t.lit...)}, false)
		return &setHost{t}
	}),
}

type setHost struct{ host text }

func (s *setHost) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	return job.Next, edit.SetHost(j.Msg, s.host.expand(j))
}

var setPortKind = Kind{
	Kind: schema.Kind{
		Name:   "set_port",
		Doc:    "Sets the port of the Request-URI; 0 takes it out.",
		Schema: `int & >=0 & <=65535 @says("a port","0 to 65535")`,
		Where:  uriPlaces,
	},
	New: build(func(d *decoder) job.Step { return &setPort{uint16(d.args.N)} }),
}

type setPort struct{ port uint16 }

func (s *setPort) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	return job.Next, edit.SetPort(j.Msg, s.port)
}
