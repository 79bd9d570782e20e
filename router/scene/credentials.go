package scene

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"sipedge/sip"
	"sipedge/sip/digest"
)

// Login is who sends a request and answers its challenge: the request is sent twice, and the
// second is what a scene is about. The zero Login is nobody.
type Login struct {
	User, Password string
	Domain         string // of the user; "": whichever
}

// URI is who he says to be.
func (l Login) URI() string {
	return "sip:" + string(sip.AppendUserEscaped(nil, []byte(l.User))) + "@" +
		cmp.Or(l.Domain, "example.org")
}

// errUnchallenged is of a request that is to have credentials and was not asked for any.
var errUnchallenged = errors.New("`auth` has nothing to answer: the request is not challenged")

// signed is a request with the credentials that its challenge asks for.
func (w *World) signed(s *Scene, from Origin, m *Message, now bool) (*Message, error) {
	again := *m
	again.Login = Login{}
	first := &Scene{script: s.script, beyond: s.beyond}
	if err := w.ask(first, from, &again, now); err != nil {
		return nil, err
	}
	field, ok := first.credentials(m.Login)
	if !ok {
		return nil, errUnchallenged
	}
	if _, fields, _ := m.parts(); hasField(fields, field.Name) {
		return nil, fmt.Errorf("`auth` writes the header field %s itself", field.Name)
	}
	again.Fields = append(m.Fields[:len(m.Fields):len(m.Fields)], field)
	return &again, nil
}

// credentials answer the challenge that the caller got, in a header field for the request
// once more. ok false: there is no challenge, or none that anybody can answer.
func (s *Scene) credentials(l Login) (f Field, ok bool) {
	last := s.LastReply()
	if last == nil {
		return f, false
	}
	ask, answer := sip.WWWAuthenticate, sip.Authorization
	if last.Status() == 407 {
		ask, answer = sip.ProxyAuthenticate, sip.ProxyAuthorization
	}
	var m, request sip.Message
	if m.Parse([]byte(last.Message)) != nil || request.Parse([]byte(s.Request)) != nil {
		return f, false
	}
	i := m.First(ask)
	if i < 0 {
		return f, false
	}
	ch, err := digest.ParseChallenge(m.Value(i))
	if err != nil || ch.Algorithm == 0 {
		return f, false
	}
	c := digest.Credentials{
		Username: []byte(escapeQuoted(l.User)), Realm: ch.Realm, Nonce: ch.Nonce, Opaque: ch.Opaque,
		URI: request.RURI(), Algorithm: ch.Algorithm, Named: true,
	}
	switch {
	case ch.QOP&digest.Auth != 0:
		c.QOP = digest.Auth
	case ch.QOP&digest.AuthInt != 0:
		c.QOP = digest.AuthInt
	}
	if c.QOP != 0 {
		c.NC, c.CNonce = []byte("00000001"), []byte("test")
	}
	ha1 := digest.AppendHA1(nil, c.Algorithm, c.Username, c.Realm, []byte(l.Password))
	c.Response = c.AppendResponse(nil, ha1, request.MethodName(), request.Body())
	return Field{Name: answer.String(), Value: string(c.AppendTo(nil))}, true
}

// escapeQuoted writes a text as it stands between quotes.
func escapeQuoted(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }
