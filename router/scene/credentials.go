package scene

import (
	"strings"

	"sipedge/sip"
	"sipedge/sip/digest"
)

// Credentials answer the challenge that the caller got, as somebody with this name and password
// does, in a header field for the request once more. ok false: there is no challenge, or none
// that anybody can answer.
func (s *Scene) Credentials(user, password string) (f Field, ok bool) {
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
		Username: []byte(escapeQuoted(user)), Realm: ch.Realm, Nonce: ch.Nonce, Opaque: ch.Opaque,
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
	ha1 := digest.AppendHA1(nil, c.Algorithm, c.Username, c.Realm, []byte(password))
	c.Response = c.AppendResponse(nil, ha1, request.MethodName(), request.Body())
	return Field{Name: answer.String(), Value: string(c.AppendTo(nil))}, true
}

// escapeQuoted writes a text as it stands between quotes.
func escapeQuoted(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }
