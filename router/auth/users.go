package auth

import (
	"bytes"
	"context"
	"strings"
	"time"

	"sipedge/backends"
	"sipedge/schema"
	"sipedge/sip/digest"
)

// Users is who may authenticate. It is safe for concurrent use.
type Users interface {
	// Ready reports whether Find answers without waiting, and whether it does so by an answer of
	// before, which Renew may find changed.
	Ready(name Name, now time.Time) (ready, kept bool)
	// Find finds a user. backends.ErrNotFound: there is none of the name; any other error:
	// that can't be known now. What it returns is not to be changed.
	Find(ctx context.Context, name Name, now time.Time) (*backends.Credential, error)
	// Renew is Find, but asks whatever is kept; that stays while the user can't be asked for.
	Renew(ctx context.Context, name Name, now time.Time) (*backends.Credential, error)
}

// Name is by what a user is found. Its texts are views.
type Name struct {
	User, Domain, Realm []byte

	nobody bool // he may not be called so
}

// Inline are users that stand in the policy. They never wait.
type Inline struct {
	byRealm map[string]map[string]*backends.Credential // realm "": any
	able    []digest.Algorithm
}

// ReadUsers reads one of the policy's `users`, checked by the schema. Passwords in it are
// warned of.
func ReadUsers(v *schema.Value) (*Inline, schema.Diagnostics) {
	u := &Inline{byRealm: map[string]map[string]*backends.Credential{}}
	var diags schema.Diagnostics
	able := [...]bool{digest.MD5: true, digest.SHA256: true, digest.SHA512256: true}
	for i := range v.Keys {
		k := &v.Keys[i]
		user, realm := k.Name, ""
		if at := strings.LastIndexByte(user, '@'); at >= 0 {
			user, realm = user[:at], user[at+1:]
		}
		c := readCredential(&k.Value, user, realm)
		switch {
		case c.Password != "" && realm == "":
			diags = append(diags, k.Problem(schema.BadValue,
				"%q has a password, and no realm to make hashes for: write it as user@realm", user))
		case c.Password != "":
			d := k.Problem(schema.PlainPassword, "the password of %q can be read in the policy", k.Name)
			d.Severity, d.Hint = schema.Warning, "its hashes do: ha1, sha256"
			diags = append(diags, d)
		case c.HA1+c.SHA256+c.SHA512256 == "":
			diags = append(diags, k.Problem(schema.BadValue, "%q has no hash to tell him by", k.Name))
		}
		able[digest.MD5] = able[digest.MD5] && c.HA1 != ""
		able[digest.SHA256] = able[digest.SHA256] && c.SHA256 != ""
		able[digest.SHA512256] = able[digest.SHA512256] && c.SHA512256 != ""
		if u.byRealm[realm] == nil {
			u.byRealm[realm] = map[string]*backends.Credential{}
		}
		u.byRealm[realm][user] = c
	}
	for _, a := range []digest.Algorithm{digest.SHA512256, digest.SHA256, digest.MD5} {
		if able[a] {
			u.able = append(u.able, a)
		}
	}
	return u, diags
}

// readCredential reads a user. Of a password the hashes are made, as one cannot tell by the
// time it takes who has one.
func readCredential(v *schema.Value, user, realm string) *backends.Credential {
	c := &backends.Credential{
		Password: v.Get("password").S, HA1: v.Get("ha1").S, HA1b: v.Get("ha1b").S,
		SHA256: v.Get("sha256").S, SHA512256: v.Get("sha512_256").S,
	}
	if c.Password == "" {
		return c
	}
	hash := func(a digest.Algorithm, user string) string {
		return string(digest.AppendHA1(nil, a, []byte(user), []byte(realm), []byte(c.Password)))
	}
	c.HA1, c.HA1b = hash(digest.MD5, user), hash(digest.MD5, user+"@"+realm)
	c.SHA256, c.SHA512256 = hash(digest.SHA256, user), hash(digest.SHA512256, user)
	return c
}

// Able are the algorithms that every user can be asked by, strongest first.
func (u *Inline) Able() []digest.Algorithm { return u.able }

// Ready is Users'.
func (u *Inline) Ready(Name, time.Time) (ready, kept bool) { return true, false }

// Find is Users'. A domain that is not the realm is nobody's.
func (u *Inline) Find(_ context.Context, n Name, _ time.Time) (*backends.Credential, error) {
	if len(n.Domain) == 0 || bytes.Equal(n.Domain, n.Realm) {
		if c := u.byRealm[string(n.Realm)][string(n.User)]; c != nil {
			return c, nil
		}
		if c := u.byRealm[""][string(n.User)]; c != nil {
			return c, nil
		}
	}
	return nil, backends.ErrNotFound
}

// Renew is Users'.
func (u *Inline) Renew(ctx context.Context, n Name, now time.Time) (*backends.Credential, error) {
	return u.Find(ctx, n, now)
}
