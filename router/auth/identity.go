package auth

import (
	"context"

	"sipedge/backends"
	"sipedge/router/job"
	"sipedge/router/vars"
	"sipedge/schema"
	"sipedge/sip"
)

// others finds who says what else users may be called.
func (s *authenticate) others(from *Step) schema.Diagnostics {
	name := from.Args.Get("identities")
	switch {
	case name.Kind == schema.None:
		return nil
	case s.anybody:
		return schema.Diagnostics{name.Problem(schema.BadValue,
			"with `identity: false` users may be called anything")}
	}
	s.check.Later = true
	if from.Env.Database == nil && from.Env.Guard == nil { // it is only looked at
		return nil
	}
	var db backends.DB
	if from.Env.Database != nil {
		db = from.Env.Database(name.S)
	}
	if db == nil || db.Can()&backends.CanSelect == 0 {
		return schema.Diagnostics{name.Problem(schema.WrongBackend, "%q is no database", name.S)}
	}
	s.identities = backends.IdentitiesOf(db, from.Args.Get("identities_table").S)
	return nil
}

// owns finds out whether who authenticated may be who he says to be: Accepted, Impostor or
// Failed.
func (s *authenticate) owns(ctx context.Context, j *job.Job, b *scratch) (Result, error) {
	if s.anybody {
		return Accepted, nil
	}
	if b.out = b.out[:0]; s.user != nil {
		b.out = s.user(b.out, j)
	} else if u, ok := claimed(j.Msg); ok {
		b.out = sip.AppendUnescaped(b.out, u.User)
	}
	if string(b.out) == string(j.Auth.User()) {
		return Accepted, nil
	}
	if s.identities != nil && len(b.out) > 0 {
		domain := b.domain
		if s.domain == nil && s.realm == nil {
			domain = b.realm // the domain of who he says to be
		}
		may, err := s.identities.May(ctx, string(j.Auth.User()), string(domain), string(b.out))
		switch {
		case err != nil:
			s.check.refuse(j, &s.check.Guard.count.unavailable, unavailable, nil)
			return Failed, err
		case may:
			return Accepted, nil
		}
	}
	s.check.refuse(j, &s.check.Guard.count.forbidden, impostor, j.Auth.User())
	return Impostor, nil
}

// loads are columns of a user's row that become variables, in the order they were asked for.
type loads struct {
	into  []*vars.Var
	unfit func() // nil: nobody counts
}

// set makes the variables what a user has; NULL, and what is none of the type, unsets.
func (l *loads) set(j *job.Job, user *backends.Credential) error {
	for i, v := range l.into {
		var value backends.Value
		if i < len(user.Extra) {
			value = user.Extra[i].Value
		}
		if value == nil {
			v.Unset(j)
			continue
		}
		text := backends.Text(value)
		fits, err := v.Set(j, []byte(text))
		if err != nil {
			return err
		}
		if !fits && text != "" && l.unfit != nil {
			l.unfit()
		}
	}
	return nil
}
