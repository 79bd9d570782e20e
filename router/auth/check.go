package auth

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"sipedge/backends"
	"sipedge/router/data"
	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/digest"
)

// Check is what one step asks of requests. It does not change.
type Check struct {
	Guard      *Guard
	Users      Users              // who may; nil where there is a Password
	Password   Text               // of whoever asks, empty where there is no such user; nil: see Users
	Proxy      bool               // Proxy-Authorization, answering a 407; else Authorization and 401
	Algorithms []digest.Algorithm // offered, strongest first
	QOP        digest.QOP         // offered
	Old        bool               // credentials without qop do too, RFC 2069
	AnyURI     bool               // the credentials' URI may be another than the Request-URI
	Expire     time.Duration      // of a nonce
	Tries      *data.Limiter      // of passwords, by user and source; nil: no bound
	Later      bool               // whoever it is, more is asked that may wait: not before the job may
}

// Text is a template: what it comes to for a job is appended to b.
type Text = func(b []byte, j *job.Job) []byte

// Result is what a Check found.
type Result uint8

const (
	Accepted Result = iota // the job's Auth is set
	Absent                 // no credentials that are worth a look: challenge
	Stale                  // a nonce that was good but is too old: challenge
	Refused                // they are wrong
	Exceeded               // too many were wrong: these were not looked at
	Waiting                // the users must be asked where that may take time
	Failed                 // the users could not be asked
	Impostor               // he is a user, and says to be another
)

// Verify, RFC 3261 §22, RFC 7616 §3.4.6:
//
//  1. the credentials for the realm are found, or there are none
//  2. what can be told without the user: what was offered, the URI, the nonce
//  3. whether there were too many tries
//  4. the user is found, or one is made up that nobody can be
//  5. the response is compared
//  6. the nonce is counted: nothing is remembered of a nonce before

// Verify finds out who sent a request. The realm is what a quoted string may have in it;
// domain, in lower case, is "" unless users of the same name are told apart by theirs. It waits
// for users only where the job may. Of who is Accepted it returns what is known; the error says
// why users could not be asked.
func (c *Check) Verify(ctx context.Context, j *job.Job, realm, domain []byte) (
	Result, *backends.Credential, error,
) {
	now := j.Now
	if now.IsZero() {
		now = time.Now()
	}
	cred, ok := c.credentials(j, realm)
	if !ok {
		return Absent, nil, nil
	}
	n, nc, result := c.sound(&cred, j, now)
	if result != Accepted {
		return result, nil, nil
	}
	name := Name{User: cred.Username, Domain: domain, Realm: realm}
	if bytes.IndexByte(name.User, '\\') >= 0 {
		name.User = digest.AppendUnescaped(nil, name.User)
	}
	whole := name.User
	if at := bytes.LastIndexByte(whole, '@'); at >= 0 {
		name.User, name.Domain = whole[:at], sip.AppendLower(nil, whole[at+1:])
		name.nobody = !mayName(name.Domain, domain, realm, j.Msg)
	}
	var buf [128]byte
	try := appendTry(buf[:0], name, j)
	if c.exceeded(j, try, now) {
		return Exceeded, nil, nil
	}
	result, user, err := c.known(ctx, j, &cred, name, whole, try, now)
	if result != Accepted {
		if result == Refused && c.Tries != nil {
			c.Tries.Take(try, now)
		}
		return result, nil, err
	}
	until := n.issued + uint32(c.Expire/time.Second)
	switch c.Guard.used.take(n, nc, c.Guard.message(j), seconds(now), until) {
	case again:
		c.refuse(j, &c.Guard.count.replayed, replayed, whole)
		return Refused, nil, nil
	case tooOld:
		c.refuse(j, &c.Guard.count.stale, staleNonce, whole)
		return Stale, nil, nil
	}
	c.Guard.count.accepted.Add(1)
	j.SetAuth(name.User, realm)
	return Accepted, user, nil
}

// mayName reports whether a user may be called by a domain: the one that tells users apart, else
// the realm, or that of who he says to be. With any other he would be let in as the user of his
// name in theirs.
func mayName(named, domain, realm []byte, m *sip.Message) bool {
	if len(domain) > 0 {
		return bytes.Equal(named, domain)
	}
	u, ok := claimed(m)
	return bytes.EqualFold(named, realm) || ok && bytes.EqualFold(named, u.Host)
}

// credentials are those for a realm.
func (c *Check) credentials(j *job.Job, realm []byte) (cred digest.Credentials, ok bool) {
	m, id := j.Msg, sip.Authorization
	if c.Proxy {
		id = sip.ProxyAuthorization
	}
	for i := m.First(id); i >= 0; i = m.Next(i) {
		cred, err := digest.ParseCredentials(m.Value(i))
		switch {
		case errors.Is(err, digest.ErrScheme):
			c.refuse(j, &c.Guard.count.otherScheme, otherScheme, nil)
		case err != nil:
			c.refuse(j, &c.Guard.count.malformed, malformed, nil)
		case bytes.Equal(cred.Realm, realm):
			return cred, true
		}
	}
	c.explain(j, noCredentials, "realm", realm)
	return cred, false
}

// sound looks at what needs no user: Accepted, Absent, Stale or Refused.
func (c *Check) sound(cred *digest.Credentials, j *job.Job, now time.Time) (
	n nonce, nc uint32, result Result,
) {
	count := &c.Guard.count
	n, ok := c.Guard.readNonce(cred.Nonce, cred.Realm, now)
	if !ok {
		c.refuse(j, &count.badNonce, badNonce, cred.Username)
		return n, 0, Absent
	}
	nc = cred.Count()
	if cred.QOP == 0 { // it can't count: the nonce serves once
		nc = 1
	}
	offered := slices.Contains(c.Algorithms, cred.Algorithm) && nc > 0 &&
		(cred.QOP&c.QOP != 0 || cred.QOP == 0 && c.Old)
	if !offered || !c.AnyURI && !sameURI(cred.URI, j) {
		c.refuse(j, &count.badRequest, badRequest(offered), cred.Username)
		return n, nc, Refused
	}
	if int64(seconds(now)) > int64(n.issued)+int64(c.Expire/time.Second) {
		c.refuse(j, &count.stale, staleNonce, cred.Username)
		return n, nc, Stale
	}
	return n, nc, Accepted
}

// sameURI reports whether a URI is the Request-URI as it was received, RFC 7616 §3.4.6.
func sameURI(uri []byte, j *job.Job) bool {
	received := j.Received
	if received == nil {
		received = j.Msg.RURI()
	}
	if bytes.Equal(uri, received) {
		return true
	}
	a, err := sip.ParseURI(uri)
	if err != nil {
		return false
	}
	b, err := sip.ParseURI(received)
	return err == nil && a.Equal(&b)
}

// appendTry appends the key by which tries are counted: a user of somebody's network. So nobody
// is kept out by another who tries his name.
func appendTry(dst []byte, n Name, j *job.Job) []byte {
	addr := j.Flow.Remote.Addr().Unmap()
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	net, _ := addr.Prefix(bits)
	from := net.Addr().As16()
	dst = append(dst, from[:]...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(n.User)))
	return append(append(dst, n.User...), n.Realm...)
}

// exceeded reports whether there were too many tries.
func (c *Check) exceeded(j *job.Job, try []byte, now time.Time) bool {
	if c.Tries == nil || c.Tries.Has(try, now) {
		return false
	}
	c.refuse(j, &c.Guard.count.exceeded, tooMany, nil)
	return true
}

// known finds the user and compares: Accepted, Refused, Waiting, Failed or Exceeded. A credential
// that was kept and does not fit is asked for again: the password may be a new one. What waited
// with others is compared only if they left it a try.
func (c *Check) known(
	ctx context.Context, j *job.Job, cred *digest.Credentials, name Name, whole, try []byte,
	now time.Time,
) (Result, *backends.Credential, error) {
	if c.Password != nil && c.Later && !j.MayWait {
		return Waiting, nil, nil
	} else if c.Password != nil {
		return c.fits(cred, name, whole, j), nil, nil
	}
	ready, kept := c.Users.Ready(name, now)
	if !j.MayWait && (!ready || c.Later) {
		return Waiting, nil, nil
	}
	user, err := c.find(ctx, name, now)
	if !ready && c.exceeded(j, try, now) {
		return Exceeded, nil, nil
	}
	result := match(cred, user, err, whole, j)
	if result == Refused && kept && !name.nobody {
		if !j.MayWait {
			return Waiting, nil, nil
		}
		user, err = c.Users.Renew(ctx, name, now)
		if c.exceeded(j, try, now) {
			return Exceeded, nil, nil
		}
		result = match(cred, user, err, whole, j)
	}
	switch {
	case result == Failed:
		c.refuse(j, &c.Guard.count.unavailable, unavailable, nil)
		return Failed, nil, err
	case result == Accepted:
		return Accepted, user, nil
	case err == nil:
		c.refuse(j, &c.Guard.count.badPassword, wrongResponse, whole)
	default:
		c.refuse(j, &c.Guard.count.unknownUser, unknownUser, whole)
	}
	return Refused, nil, nil
}

// match compares with a user as he was found: Accepted, Refused or Failed.
func match(
	cred *digest.Credentials, user *backends.Credential, err error, whole []byte, j *job.Job,
) Result {
	exists := err == nil
	switch {
	case errors.Is(err, backends.ErrNotFound):
		user = &nobody
	case err != nil:
		return Failed
	}
	if compare(cred, user, whole, j.Msg) && exists {
		return Accepted
	}
	return Refused
}

// fits compares with the password the policy found: Accepted or Refused.
func (c *Check) fits(
	cred *digest.Credentials, name Name, whole []byte, j *job.Job,
) Result {
	b := scratches.Get().(*scratch)
	defer scratches.Put(b)
	b.out = c.Password(b.out[:0], j)
	var buf [digest.MaxHexLen]byte
	ha1 := digest.AppendHA1(buf[:0], cred.Algorithm, whole, cred.Realm, b.out)
	verified := cred.Verify(ha1, j.Msg.MethodName(), j.Msg.Body())
	switch {
	case len(b.out) == 0, name.nobody:
		c.refuse(j, &c.Guard.count.unknownUser, unknownUser, whole)
	case !verified:
		c.refuse(j, &c.Guard.count.badPassword, wrongResponse, whole)
	default:
		return Accepted
	}
	return Refused
}

func (c *Check) find(ctx context.Context, name Name, now time.Time) (*backends.Credential, error) {
	if name.nobody {
		return nil, backends.ErrNotFound
	}
	return c.Users.Find(ctx, name, now)
}

// nobody is compared with where there is no user, so that it takes as long.
var nobody = backends.Credential{
	HA1: strings.Repeat("0", 32), HA1b: strings.Repeat("0", 32),
	SHA256: strings.Repeat("0", 64), SHA512256: strings.Repeat("0", 64),
}

// compare reports whether the response is that of a user. whole is his name as he sent it. Every
// comparison is one response computed.
func compare(
	cred *digest.Credentials, user *backends.Credential, whole []byte, m *sip.Message,
) bool {
	var buf [digest.MaxHexLen]byte
	ha1, known := appendHA1(buf[:0], cred, user, whole)
	return cred.Verify(ha1, m.MethodName(), m.Body()) && known
}

// appendHA1 appends what is kept of a user for an algorithm, or what his password comes to.
// known false: neither; what is appended is good for nothing.
func appendHA1(
	dst []byte, cred *digest.Credentials, user *backends.Credential, whole []byte,
) (ha1 []byte, known bool) {
	hash := user.SHA256
	switch cred.Algorithm.Hash() {
	case digest.MD5:
		if hash = user.HA1; bytes.IndexByte(whole, '@') >= 0 {
			hash = user.HA1b
		}
	case digest.SHA512256:
		hash = user.SHA512256
	}
	if len(hash) == cred.Algorithm.HexLen() {
		for i := range len(hash) {
			c := hash[i]
			if 'A' <= c && c <= 'F' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
		}
		return dst, true
	}
	if user.Password != "" {
		return digest.AppendHA1(dst, cred.Algorithm, whole, cred.Realm, []byte(user.Password)), true
	}
	return append(dst, nobody.SHA256[:cred.Algorithm.HexLen()]...), false
}
