package policytest

import (
	"errors"
	"strings"

	"sipedge/router/scene"
	"sipedge/schema"
)

// credentials are who sends a request; without a user nobody is said to.
type credentials struct{ user, password string }

// lowerAuth reads who sends a request, one of the users of the case or the file.
func (f *File) lowerAuth(c *credentials, v, own *schema.Value) schema.Diagnostics {
	if v.Kind == schema.Map {
		c.user, c.password = v.Get("user").S, v.Get("password").S
		return nil
	}
	users := besides(f.root.Get("users"), own)
	var fit []*schema.Key
	for i := range users.Keys {
		k := &users.Keys[i]
		user, _ := splitUser(k.Name)
		if k.Name == v.S {
			fit = []*schema.Key{k}
			break
		} else if user == v.S {
			fit = append(fit, k)
		}
	}
	switch len(fit) {
	case 0:
		return schema.Diagnostics{v.Problem(schema.BadTest, "the test has no user %q under `users`", v.S)}
	case 1:
		c.user, _ = splitUser(fit[0].Name)
		c.password = passwordOf(&fit[0].Value)
		return nil
	}
	return schema.Diagnostics{v.Problem(schema.BadTest,
		"there are several users %q; write it like %s", v.S, fit[0].Name)}
}

// errUnchallenged is of a request that is to have credentials and was not asked for any.
var errUnchallenged = errors.New("`auth` has nothing to answer: the request is not challenged")

// ask has the request of a case come, with the credentials that its challenge asks for.
func (c *Case) ask(w *scene.World, s *scene.Scene) error {
	if c.auth == (credentials{}) {
		return w.Ask(s, c.Origin, &c.Message)
	}
	first := scene.New(c.Branches)
	if err := w.Ask(first, c.Origin, &c.Message); err != nil {
		return err
	}
	field, ok := first.Credentials(c.auth.user, c.auth.password)
	if !ok {
		return errUnchallenged
	}
	m := c.Message
	for _, f := range m.Fields {
		if !strings.EqualFold(f.Name, field.Name) {
			continue
		}
		return errors.New("`auth` writes the header field " + field.Name + " itself")
	}
	m.Fields = append(m.Fields[:len(m.Fields):len(m.Fields)], field)
	return w.Ask(s, c.Origin, &m)
}
