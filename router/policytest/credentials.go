package policytest

import (
	"fmt"

	"sipedge/router/scene"
	"sipedge/schema"
)

// lowerAuth reads who sends a request, one of the users of the case or the file.
func (f *File) lowerAuth(l *scene.Login, v, own *schema.Value) schema.Diagnostics {
	if v.Kind == schema.Map {
		l.User, l.Password = v.Get("user").S, v.Get("password").S
		return nil
	}
	var err error
	if *l, err = login(besides(f.root.Get("users"), own), v.S); err != nil {
		return schema.Diagnostics{v.Problem(schema.BadTest, "%v", err)}
	}
	return nil
}

// login finds a user by name: alice@example.net, or alice if there is one alone.
func login(users *schema.Value, name string) (l scene.Login, err error) {
	var fit []*schema.Key
	for i := range users.Keys {
		k := &users.Keys[i]
		user, _ := splitUser(k.Name)
		if k.Name == name {
			fit = []*schema.Key{k}
			break
		} else if user == name {
			fit = append(fit, k)
		}
	}
	switch len(fit) {
	case 0:
		return l, fmt.Errorf("the test has no user %q under `users`", name)
	case 1:
		l.User, l.Domain = splitUser(fit[0].Name)
		l.Password = passwordOf(&fit[0].Value)
		return l, nil
	}
	return l, fmt.Errorf("there are several users %q; write it like %s", name, fit[0].Name)
}
