package action

import (
	"context"
	"errors"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

const uriPlaces = schema.InRequest | schema.InBranch | schema.InFailure

var (
	errURI  = errors.New("not a URI a request can go to")
	errUser = errors.New("the Request-URI has no user to change")
	errHost = errors.New("not a host")
)

// ruri parses the Request-URI to change its parts.
func ruri(j *job.Job) (sip.URI, error) {
	u, err := sip.ParseURI(j.Msg.RURI())
	if err != nil || u.Scheme == sip.SchemeOther {
		return u, errURI
	}
	return u, nil
}

// setRURI writes the Request-URI from its parts. It fails where they make none: the user of
// a tel URI is a number.
func setRURI(j *job.Job, u *sip.URI) (err error) {
	s := scratches.Get().(*scratch)
	s.b = u.AppendTo(s.b[:0])
	if u.Scheme == sip.Tel && !isRequestURI(s.b) {
		err = errURI
	} else {
		j.Msg.SetRURI(s.b)
	}
	scratches.Put(s)
	return err
}

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
	if !s.uri.literal() && !isRequestURI(uri) {
		return job.Next, errURI
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
	u, err := ruri(j)
	if err != nil {
		return job.Next, err
	}
	user := s.user.expand(j)
	if len(user) == 0 {
		return job.Next, errUser
	}
	b := scratches.Get().(*scratch)
	b.b = appendUser(b.b[:0], user)
	u.User = b.b
	err = setRURI(j, &u)
	scratches.Put(b)
	return job.Next, err
}

// appendUser appends b as the user of a URI: escapes in it stay, what may not
// stand there is escaped.
func appendUser(dst, b []byte) []byte {
	for len(b) > 0 {
		n := charLen(b)
		if n > 1 {
			dst = append(dst, b[:n]...)
		} else {
			dst = sip.AppendUserEscaped(dst, b[:1])
		}
		b = b[n:]
	}
	return dst
}

// charLen is how many bytes the first character of a user takes: three of an escaped one.
func charLen(user []byte) int {
	if user[0] == '%' && len(user) >= 3 && isHex(user[1]) && isHex(user[2]) {
		return 3
	}
	return 1
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
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
		if ok && t.literal() && !isHost(t.lit) {
			d.errorf(d.args, schema.BadHost, "%q is not a host", d.args.S)
		}
		d.leads(d.args, text{lit: append([]byte("sip:"), t.lit...)}, false)
		return &setHost{t}
	}),
}

type setHost struct{ host text }

func (s *setHost) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	u, err := ruri(j)
	if err != nil {
		return job.Next, err
	}
	host := s.host.expand(j)
	if u.Scheme == sip.Tel || !isHost(host) {
		return job.Next, errHost
	}
	u.Host = unbracket(host)
	return job.Next, setRURI(j, &u)
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
	u, err := ruri(j)
	if err != nil {
		return job.Next, err
	}
	if u.Scheme == sip.Tel {
		return job.Next, errHost
	}
	u.Port = s.port
	return job.Next, setRURI(j, &u)
}

// isHost reports whether b is a host as a SIP URI has it; brackets of an IPv6
// address may be left out.
func isHost(b []byte) bool {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	u := sip.URI{Scheme: sip.SIP, SchemeName: []byte("sip"), Host: unbracket(b)}
	s.b = u.AppendTo(s.b[:0])
	v, err := sip.ParseURI(s.b)
	return err == nil && len(v.Host) == len(u.Host) && v.User == nil && v.Port == 0 &&
		len(v.Params) == 0 && len(v.Headers) == 0 && len(v.Host) > 0
}

func unbracket(b []byte) []byte {
	if len(b) > 2 && b[0] == '[' && b[len(b)-1] == ']' {
		return b[1 : len(b)-1]
	}
	return b
}
