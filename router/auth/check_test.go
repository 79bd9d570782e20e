package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/router/data"
	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/digest"
)

// people is a backend that counts what it is asked.
type people struct {
	passwords map[string]string
	err       error
	asked     int
	meanwhile func() // unless nil: called before an answer
}

func (p *people) Credential(_ context.Context, user, domain, realm string) (
	*backends.Credential, error,
) {
	p.asked++
	if p.meanwhile != nil {
		p.meanwhile()
	}
	password, ok := p.passwords[user]
	switch {
	case p.err != nil:
		return nil, p.err
	case !ok:
		return nil, backends.ErrNotFound
	}
	return &backends.Credential{
		HA1: string(digest.AppendHA1(nil, digest.MD5, []byte(user), []byte(realm), []byte(password))),
		HA1b: string(digest.AppendHA1(nil, digest.MD5, []byte(user+"@"+domain), []byte(realm),
			[]byte(password))),
		Password: password,
	}, nil
}

type world struct {
	*Check
	*people
	now time.Time
}

func newWorld(ttl time.Duration) *world {
	p := &people{passwords: map[string]string{"alice": "secret", "bob": "other"}}
	return &world{people: p, now: began, Check: &Check{
		Guard: NewGuard([32]byte{1}, began), Users: NewStored(p, ttl, 10),
		Algorithms: []digest.Algorithm{digest.SHA256, digest.MD5}, QOP: digest.Auth | digest.AuthInt,
		Expire: 30 * time.Second,
		Tries:  data.NewLimiter(data.Rate{Count: 3, Period: time.Minute}, 3, 100, 0),
	}}
}

// try is what a client sends; what is not set is as it should be.
type try struct {
	user, password, realm, uri, nonce, from, body, method string
	nc                                                    uint32
	algorithm                                             digest.Algorithm
	qop                                                   digest.QOP
	none                                                  bool // no qop
	waits                                                 bool
	raw                                                   string // instead of credentials
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

const realm = "example.net"

func (w *world) job(t testing.TB, c try) *job.Job {
	t.Helper()
	ruri := "sip:example.net"
	cred := digest.Credentials{
		Username: []byte(or(c.user, "alice")), Realm: []byte(or(c.realm, realm)),
		Nonce: []byte(c.nonce), URI: []byte(or(c.uri, ruri)), Algorithm: max(c.algorithm, digest.MD5),
		Named: true, QOP: max(c.qop, digest.Auth), NC: fmt.Appendf(nil, "%08x", max(c.nc, 1)),
		CNonce: []byte("c"),
	}
	if c.none {
		cred.QOP, cred.NC, cred.CNonce = 0, nil, nil
	}
	ha1 := digest.AppendHA1(nil, cred.Algorithm, cred.Username, cred.Realm,
		[]byte(or(c.password, "secret")))
	cred.Response = cred.AppendResponse(nil, ha1, []byte(or(c.method, "REGISTER")), []byte(c.body))
	text := "REGISTER " + ruri + " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n" +
		"From: <sip:alice@example.net>;tag=a\r\nTo: <sip:alice@example.net>\r\nCall-ID: 1\r\n" +
		"CSeq: 1 REGISTER\r\nAuthorization: " + or(c.raw, string(cred.AppendTo(nil))) + "\r\n" +
		fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len("body"), "body")
	j := new(job.Job)
	j.Reset()
	j.Msg = new(sip.Message)
	if err := j.Msg.Parse([]byte(text)); err != nil {
		t.Fatal(err)
	}
	j.Now, j.MayWait, j.Received = w.now, !c.waits, j.Msg.RURI()
	j.Flow.Remote = netip.MustParseAddrPort(or(c.from, "192.0.2.7:5060"))
	return j
}

func (w *world) nonce() string { return string(w.Guard.appendNonce(nil, []byte(realm), w.now)) }

func (w *world) send(t testing.TB, c try) Result {
	t.Helper()
	if c.nonce == "" {
		c.nonce = w.nonce()
	}
	j := w.job(t, c)
	r, _, _ := w.Verify(context.Background(), j, []byte(realm), nil)
	if (r == Accepted) != (j.Auth != nil) {
		t.Errorf("%v, and auth is %q", r, j.Auth)
	}
	return r
}

func TestVerify(t *testing.T) {
	for name, c := range map[string]struct {
		try
		want Result
	}{
		"a password":            {try{}, Accepted},
		"by SHA-256":            {try{algorithm: digest.SHA256}, Accepted},
		"with the body":         {try{qop: digest.AuthInt, body: "body"}, Accepted},
		"with another body":     {try{qop: digest.AuthInt, body: "changed"}, Refused},
		"with a domain":         {try{user: "alice@example.net"}, Accepted},
		"with another domain":   {try{user: "alice@example.org"}, Refused},
		"a wrong password":      {try{password: "guess"}, Refused},
		"nobody":                {try{user: "mallory"}, Refused},
		"somebody else's":       {try{user: "bob"}, Refused},
		"another method":        {try{method: "INVITE"}, Refused},
		"another URI":           {try{uri: "sip:example.org"}, Refused},
		"the URI, written else": {try{uri: "sip:EXAMPLE.net"}, Accepted},
		"what was not offered":  {try{algorithm: digest.SHA512256}, Refused},
		"-sess":                 {try{algorithm: digest.MD5Sess}, Refused},
		"no qop":                {try{none: true}, Refused},
		"another realm":         {try{realm: "example.org"}, Absent},
		"a nonce of his own":    {try{nonce: "0a4f113b"}, Absent},
		"Basic":                 {try{raw: "Basic YWxpY2U6c2VjcmV0"}, Absent},
		"junk":                  {try{raw: "Digest username=\"alice\""}, Absent},
		"where he may not wait": {try{waits: true}, Waiting},
	} {
		if got := newWorld(0).send(t, c.try); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestGivenPassword: a policy that has the password asks nobody, and an empty one is nobody's.
func TestGivenPassword(t *testing.T) {
	password := "secret"
	w := newWorld(0)
	w.Users = nil
	w.Password = func(b []byte, _ *job.Job) []byte { return append(b, password...) }
	for _, c := range []struct {
		is   string
		try  try
		want Result
	}{
		{"secret", try{}, Accepted},
		{"secret", try{waits: true, algorithm: digest.SHA256}, Accepted},
		{"other", try{}, Refused},
		{"", try{}, Refused},
	} {
		password = c.is
		if got := w.send(t, c.try); got != c.want {
			t.Errorf("the password %q: %v, want %v", c.is, got, c.want)
		}
	}
	if s := w.Guard.Stats(); s.UnknownUser != 1 || s.BadPassword != 1 {
		t.Errorf("%+v", s)
	}
}

// TestZeroCount: nc begins with 1.
func TestZeroCount(t *testing.T) {
	w := newWorld(0)
	j := w.job(t, try{nonce: w.nonce()})
	raw := strings.Replace(string(j.Msg.Get(sip.Authorization)), "nc=00000001", "nc=00000000", 1)
	if got := w.send(t, try{raw: raw}); got != Refused {
		t.Error(got)
	}
}

// TestReplay: a request that was captured is of no use elsewhere, nor later; and who does not
// know the password can't use up the counts of who does.
func TestReplay(t *testing.T) {
	w := newWorld(0)
	nonce := w.nonce()
	for i, c := range []struct {
		try
		want Result
	}{
		{try{nonce: nonce, nc: 0xffffffff, password: "guess", from: "203.0.113.1:5060"}, Refused},
		{try{nonce: nonce, nc: 1}, Accepted},
		{try{nonce: nonce, nc: 1}, Accepted}, // sent again by the phone itself
		{try{nonce: nonce, nc: 1, from: "203.0.113.1:5060"}, Refused},
		{try{nonce: nonce, nc: 3}, Accepted},
		{try{nonce: nonce, nc: 2}, Accepted}, // overtaken
		{try{nonce: nonce, nc: 1}, Refused},
		{try{nonce: nonce, nc: 3}, Refused},
	} {
		if got := w.send(t, c.try); got != c.want {
			t.Errorf("step %d: %v, want %v", i, got, c.want)
		}
	}
	w.now = w.now.Add(30 * time.Second)
	if got := w.send(t, try{nonce: nonce, nc: 4}); got != Accepted {
		t.Errorf("in the last second: %v", got)
	}
	w.now = w.now.Add(time.Second)
	for _, password := range []string{"secret", "guess"} {
		if got := w.send(t, try{nonce: nonce, nc: 5, password: password}); got != Stale {
			t.Errorf("too old: %v", got)
		}
	}
	if w.Guard.Stats().Replayed != 3 {
		t.Errorf("%+v", w.Guard.Stats())
	}
}

// TestOldForm: without qop a nonce serves once.
func TestOldForm(t *testing.T) {
	w := newWorld(0)
	w.Old = true
	nonce := w.nonce()
	if got := w.send(t, try{nonce: nonce, none: true}); got != Accepted {
		t.Error(got)
	}
	if got := w.send(t, try{nonce: nonce, none: true, from: "192.0.2.8:5060"}); got != Refused {
		t.Error(got)
	}
}

// TestTries: who guesses keeps himself out, and nobody else.
func TestTries(t *testing.T) {
	w := newWorld(0)
	evil := "203.0.113.1:5060"
	for i := range 10 {
		want := Refused
		if i >= 3 {
			want = Exceeded
		}
		if got := w.send(t, try{password: "guess", from: evil}); got != want {
			t.Errorf("guess %d: %v, want %v", i, got, want)
		}
	}
	if w.asked != 3 {
		t.Errorf("the backend was asked %d times", w.asked)
	}
	for name, c := range map[string]struct {
		try
		want Result
	}{
		"her own phone":            {try{}, Accepted},
		"even rightly, from there": {try{from: evil}, Exceeded},
		"another user, from there": {try{user: "bob", password: "other", from: evil}, Accepted},
	} {
		if got := w.send(t, c.try); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	w.now = w.now.Add(time.Minute)
	if got := w.send(t, try{from: evil}); got != Accepted {
		t.Errorf("later: %v", got)
	}
}

// TestUnavailable: nobody is refused for a backend that can't be asked.
func TestUnavailable(t *testing.T) {
	w := newWorld(0)
	w.err = errors.New("connection refused")
	for range 10 {
		if got := w.send(t, try{}); got != Failed {
			t.Fatal(got)
		}
	}
}

// TestCache: a user that was found is not asked for again, until his password is another.
func TestCache(t *testing.T) {
	w := newWorld(time.Minute)
	for _, c := range []struct {
		try
		set, why string
		want     Result
		asked    int
	}{
		{try: try{waits: true}, why: "unknown", want: Waiting, asked: 0},
		{why: "found", want: Accepted, asked: 1},
		{try: try{waits: true}, why: "kept", want: Accepted, asked: 1},
		{try: try{password: "new"}, set: "new", why: "a new password", want: Accepted, asked: 2},
		{try: try{password: "secret"}, why: "the old one", want: Refused, asked: 3},
	} {
		if c.set != "" {
			w.passwords["alice"] = c.set
		}
		if got := w.send(t, c.try); got != c.want || w.asked != c.asked {
			t.Errorf("%s: %v after %d questions, want %v after %d", c.why, got, w.asked, c.want, c.asked)
		}
	}
}

// TestTriesAtOnce: guesses that wait for the same look-up are not more than those one by one.
func TestTriesAtOnce(t *testing.T) {
	w := newWorld(0)
	w.meanwhile = func() { // others fail
		w.meanwhile = nil
		for range 3 {
			if got := w.send(t, try{password: "guess"}); got != Refused {
				t.Fatal(got)
			}
		}
	}
	if got := w.send(t, try{}); got != Exceeded {
		t.Errorf("a guess that is right: %v", got)
	}
}

// TestCacheAway: while users can't be asked, who guesses the password of one who was found does not
// keep him out.
func TestCacheAway(t *testing.T) {
	w := newWorld(time.Minute)
	if got := w.send(t, try{}); got != Accepted {
		t.Fatal(got)
	}
	w.err = errors.New("connection refused")
	if got := w.send(t, try{password: "guess", waits: true}); got != Waiting {
		t.Errorf("a guess that may not wait: %v", got)
	}
	if got := w.send(t, try{password: "guess"}); got != Failed {
		t.Errorf("a guess: %v", got)
	}
	if got := w.send(t, try{waits: true}); got != Accepted {
		t.Errorf("who knows the password: %v", got)
	}
	w.err = nil
	delete(w.passwords, "alice")
	if got := w.send(t, try{password: "guess"}); got != Refused {
		t.Errorf("a guess at a user who went: %v", got)
	}
	if got := w.send(t, try{waits: true}); got != Waiting {
		t.Errorf("a user who went: %v", got)
	}
}

// TestSameWork: what is done for a user that exists and for one that does not is the same: one
// question, one response computed, by hashes of the same number.
func TestSameWork(t *testing.T) {
	for _, user := range []string{"alice", "mallory"} {
		w := newWorld(0)
		if got := w.send(t, try{user: user, password: "guess"}); got != Refused || w.asked != 1 {
			t.Errorf("%s: %v after %d questions", user, got, w.asked)
		}
	}
	for _, a := range []digest.Algorithm{digest.MD5, digest.SHA256, digest.SHA512256} {
		cred := digest.Credentials{Algorithm: a}
		if ha1, known := appendHA1(nil, &cred, &nobody, nil); len(ha1) != a.HexLen() || !known {
			t.Errorf("%v: nobody has %q", a, ha1)
		}
	}
	// Who knows that nobody's hashes are zeros is still nobody.
	w := newWorld(0)
	j := w.job(t, try{user: "mallory", nonce: w.nonce()})
	cred, _ := digest.ParseCredentials(j.Msg.Get(sip.Authorization))
	cred.Response = cred.AppendResponse(nil, []byte(nobody.HA1), []byte("REGISTER"), nil)
	if got := w.send(t, try{raw: string(cred.AppendTo(nil))}); got != Refused {
		t.Error(got)
	}
}
