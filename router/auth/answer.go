package auth

import (
	"bytes"
	"time"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/digest"
)

// AppendChallenges appends header lines that ask for credentials, one for each algorithm,
// strongest first (RFC 8760 §2.4), and returns the status that goes with them. A realm is
// usable where Usable says.
func (c *Check) AppendChallenges(dst, realm []byte, stale bool, now time.Time) ([]byte, int) {
	id, status := sip.WWWAuthenticate, 401
	if c.Proxy {
		id, status = sip.ProxyAuthenticate, 407
	}
	if now.IsZero() {
		now = time.Now()
	}
	c.Guard.count.challenged.Add(1)
	var buf [nonceText]byte
	ch := digest.Challenge{
		Realm: realm, Nonce: c.Guard.appendNonce(buf[:0], realm, now), QOP: c.QOP, Stale: stale,
	}
	for _, ch.Algorithm = range c.Algorithms {
		dst = append(dst, id.String()...)
		dst = append(dst, ": "...)
		dst = ch.AppendTo(dst)
		dst = append(dst, "\r\n"...)
	}
	return dst, status
}

// AppendRealm appends the realm of a request as OpenSIPS has it: the host of To of a REGISTER,
// else of From; other, where that is none.
func AppendRealm(dst []byte, m *sip.Message, other string) []byte {
	u, ok := claimed(m)
	if from := len(dst); ok {
		if dst = sip.AppendLower(dst, u.Host); Usable(dst[from:]) {
			return dst
		}
		dst = dst[:from]
	}
	return append(dst, other...)
}

// Usable reports whether a text can be a realm: it is not empty and needs no escapes.
func Usable(realm []byte) bool {
	for _, c := range realm {
		if c < ' ' || c == '"' || c == '\\' || c == 0x7f {
			return false
		}
	}
	return len(realm) > 0
}

// claimed is the URI of who the sender says he is: To of a REGISTER, else From.
func claimed(m *sip.Message) (u sip.URI, ok bool) {
	get := m.From
	if m.Method() == sip.REGISTER {
		get = m.To
	}
	a, ok := get()
	if !ok {
		return u, false
	}
	u, err := sip.ParseURI(a.URI)
	return u, err == nil
}

// Consume removes the credentials that authenticate took: nobody downstream needs them.
func Consume(j *job.Job) {
	if len(j.Auth) == 0 {
		return
	}
	for _, id := range [...]sip.HeaderID{sip.Authorization, sip.ProxyAuthorization} {
		for i := j.Msg.First(id); i >= 0; {
			c, err := digest.ParseCredentials(j.Msg.Value(i))
			if err != nil || !bytes.Equal(c.Realm, j.Auth.Realm()) {
				i = j.Msg.Next(i)
				continue
			}
			j.Msg.Remove(i)
			i = j.Msg.First(id)
		}
	}
}

const (
	asserted  = "P-Asserted-Identity"
	preferred = "P-Preferred-Identity"
)

// Assert writes who sent a request as RFC 3325 has it: what the sender wrote there himself goes,
// and uri is asserted, unless it is none.
func Assert(m *sip.Message, uri []byte) {
	m.RemoveAll(asserted)
	m.RemoveAll(preferred)
	if _, err := sip.ParseURI(uri); err == nil {
		value := append(append(append(make([]byte, 0, len(uri)+2), '<'), uri...), '>')
		m.Append(sip.PAssertedIdentity, value)
	}
}

// Conceal is for a request that leaves the trust domain, RFC 3325 §7: who is asserted is told only
// of a caller who wants no privacy.
func Conceal(m *sip.Message) {
	if !bytes.EqualFold(bytes.TrimSpace(m.Get(sip.Privacy)), []byte("none")) {
		m.RemoveAll(asserted)
	}
}

// AppendURI appends the URI of who authenticated; nothing when nobody did.
func AppendURI(dst []byte, j *job.Job) []byte {
	if len(j.Auth) == 0 {
		return dst
	}
	dst = sip.AppendUserEscaped(append(dst, "sip:"...), j.Auth.User())
	return append(append(dst, '@'), j.Auth.Realm()...)
}
