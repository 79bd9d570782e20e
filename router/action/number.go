package action

import (
	"context"
	"errors"

	"sipedge/router/job"
	"sipedge/schema"
)

var errShort = errors.New("the user of the Request-URI has too few characters to strip")

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
	u, err := ruri(j)
	if err != nil {
		return job.Next, err
	}
	b := scratches.Get().(*scratch)
	b.b = append(appendUser(b.b[:0], s.text.expand(j)), u.User...)
	if len(b.b) > 0 {
		u.User = b.b
		err = setRURI(j, &u)
	}
	scratches.Put(b)
	return job.Next, err
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
	u, err := ruri(j)
	if err != nil {
		return job.Next, err
	}
	n := s.n
	if s.tail {
		n = charCount(u.User) - s.n
	}
	i := 0 // bytes of the first n characters
	for ; n > 0 && i < len(u.User); n-- {
		i += charLen(u.User[i:])
	}
	switch {
	case n != 0 || !s.tail && i == len(u.User) || s.tail && i == 0:
		return job.Next, errShort
	case s.tail:
		u.User = u.User[:i]
	default:
		u.User = u.User[i:]
	}
	return job.Next, setRURI(j, &u)
}

func charCount(user []byte) (n int) {
	for i := 0; i < len(user); i += charLen(user[i:]) {
		n++
	}
	return n
}
