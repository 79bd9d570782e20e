package router

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/sip/digest"
	"sipedge/sip/transport"
)

// alice@example.org has the password secret.
var authPolicy = fmt.Sprintf(`
version: 1
listen: [{udp: "10.0.0.9:5060"}]
users: {people: {alice@example.org: {ha1: %s, sha256: %s}}}
routes:
  request:
    - match: {headers: {X-Arm: true}}
      do: [{authenticate: {users: people, on_fail: wrong}}, {reply: {code: 200}}]
    - match: {headers: {X-Bob: true}}
      do: [{authenticate: {users: people, require_user: bob}}, {reply: {code: 200}}]
    - match: {headers: {X-Any: true}}
      do: [{authenticate: {users: people, identity: false}}, {reply: {code: 200}}]
    - do: [{authenticate: {users: people}}]
    - match: {auth: {user: alice, realm: example.org}}
      do:
        - consume_credentials: {}
        - assert_identity: {}
        - add_header: {X-User: "{auth.user}@{auth.realm}"}
        - forward: {to: "sip:10.0.0.2"}
    - do: [{reply: {code: 488}}]
  sub: {wrong: [{do: [{reply: {code: 480}}]}]}
`, hash(digest.MD5), hash(digest.SHA256))

func hash(a digest.Algorithm) string {
	return string(digest.AppendHA1(nil, a, []byte("alice"), []byte("example.org"), []byte("secret")))
}

// challenges are those of a reply.
func challenges(t testing.TB, reply string) (list []digest.Challenge) {
	t.Helper()
	for line := range strings.SplitSeq(reply, "\r\n") {
		if value, ok := strings.CutPrefix(line, "Proxy-Authenticate: "); ok {
			c, err := digest.ParseChallenge([]byte(value))
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, c)
		}
	}
	return list
}

// credentials answer a challenge.
func credentials(c *digest.Challenge, method, uri, password string) string {
	cred := digest.Credentials{
		Username: []byte("alice"), Realm: c.Realm, Nonce: c.Nonce, URI: []byte(uri), CNonce: []byte("c"),
		NC: []byte("00000001"), QOP: digest.Auth, Algorithm: c.Algorithm, Named: true,
	}
	ha1 := digest.AppendHA1(nil, c.Algorithm, cred.Username, cred.Realm, []byte(password))
	cred.Response = cred.AppendResponse(nil, ha1, []byte(method), nil)
	return "Proxy-Authorization: " + string(cred.AppendTo(nil))
}

func TestAuthenticate(t *testing.T) {
	r, w := onWire(t, authPolicy)
	const start, uri = "MESSAGE sip:bob@example.net", "sip:bob@example.net"
	fresh := func() []digest.Challenge {
		got := w.ask(r, start)
		if len(got) != 1 || !strings.HasPrefix(got[0], "SIP/2.0 407 ") {
			t.Fatalf("no challenge: %q", got)
		}
		return challenges(t, got[0])
	}
	list := fresh()
	if len(list) != 2 || list[0].Algorithm != digest.SHA256 || list[1].Algorithm != digest.MD5 ||
		!bytes.Equal(list[0].Nonce, list[1].Nonce) || list[0].Stale {
		t.Fatalf("%+v", list)
	}
	for i := range list {
		cred := credentials(&fresh()[i], "MESSAGE", uri, "secret")
		got := w.ask(r, start, cred, "P-Asserted-Identity: <sip:carol@example.org>",
			"P-Preferred-Identity: <sip:carol@example.org>")
		if len(got) != 1 || !strings.HasPrefix(got[0], start) ||
			!strings.Contains(got[0], "X-User: alice@example.org\r\n") ||
			!strings.Contains(got[0], "P-Asserted-Identity: <sip:alice@example.org>\r\n") ||
			strings.Contains(got[0], "carol") || strings.Contains(got[0], "Authorization") {
			t.Errorf("%v: %q", list[i].Algorithm, got)
		}
	}
	good := func() string { return credentials(&fresh()[0], "MESSAGE", uri, "secret") }
	bad := func() string { return credentials(&fresh()[0], "MESSAGE", uri, "guess") }
	for name, c := range map[string]struct {
		fields []string
		status string
	}{
		"a wrong password":            {[]string{bad()}, "407"},
		"another user's name in From": {[]string{good(), "From: <sip:bob@example.org>;tag=a"}, "403"},
		"another user asked for":      {[]string{good(), "X-Bob: 1"}, "403"},
		"no user asked for": {
			[]string{good(), "X-Any: 1", "From: <sip:b@example.org>;tag=a"}, "200",
		},
		"another realm":    {[]string{good(), "From: <sip:alice@example.com>;tag=a"}, "407"},
		"the arm":          {[]string{bad(), "X-Arm: 1"}, "480"},
		"none, and an arm": {[]string{"X-Arm: 1"}, "407"},
		"Basic":            {[]string{"Proxy-Authorization: Basic YWxpY2U6c2VjcmV0"}, "407"},
	} {
		got := w.ask(r, start, c.fields...)
		if len(got) != 1 || !strings.HasPrefix(got[0], "SIP/2.0 "+c.status) {
			t.Errorf("%s: %q, want %s", name, got, c.status)
		}
	}
	if s := r.Auth(); s.Accepted != 5 || s.BadPassword != 2 || s.Forbidden != 2 || s.OtherScheme != 1 {
		t.Errorf("%+v", s)
	}
}

// TestNeverChallenged: an ACK and a CANCEL pass, and nobody has authenticated.
func TestNeverChallenged(t *testing.T) {
	r, w := onWire(t, authPolicy)
	if got := w.ask(r, "CANCEL sip:bob@example.net"); len(got) != 1 ||
		!strings.HasPrefix(got[0], "SIP/2.0 488 ") {
		t.Errorf("CANCEL: %q", got)
	}
	if got := w.ask(r, "ACK sip:bob@example.net"); len(got) != 0 {
		t.Errorf("ACK: %q", got)
	}
}

// TestUnknownUserLooksAlike: what is answered does not tell who there is.
func TestUnknownUserLooksAlike(t *testing.T) {
	r, w := onWire(t, authPolicy)
	const start, uri = "MESSAGE sip:bob@example.net", "sip:bob@example.net"
	var answers []string
	for _, user := range []string{"alice", "mallory"} {
		c := challenges(t, w.ask(r, start)[0])[0]
		cred := strings.Replace(credentials(&c, "MESSAGE", uri, "guess"), `"alice"`, `"`+user+`"`, 1)
		answer := w.ask(r, start, cred)[0]
		answers = append(answers, nonces.ReplaceAllString(answer, "NONCE"))
	}
	if answers[0] != answers[1] {
		t.Errorf("%q\nis not\n%q", answers[0], answers[1])
	}
}

// kept is a Sender that keeps the last message.
type kept struct {
	null
	mu   sync.Mutex
	last []byte
}

func (k *kept) Send(to transport.Target, b []byte, ref uint64) error {
	k.mu.Lock()
	k.last = append(k.last[:0], b...)
	k.mu.Unlock()
	return k.null.Send(to, b, ref)
}

// TestAuthenticateAllocatesNothing: neither a challenge nor a user who is let in costs any.
func TestAuthenticateAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools forget")
	}
	policy := strings.Replace(authPolicy, "    - match: {headers: {X-Arm: true}}", "    - match: "+
		"{method: OPTIONS}\n      do: [{authenticate: {users: people}}, {reply: {code: 200}}]\n"+
		"    - match: {headers: {X-Arm: true}}", 1)
	n := &kept{null: null{listeners: Listeners(load(t, policy))}}
	r := New(Config{Sender: n, Wake: func(time.Time) {}})
	swap(t, r, policy)
	if a := testing.AllocsPerRun(1000, func() { r.Receive(alice, options) }); a != 0 {
		t.Errorf("a challenge: %v allocations", a)
	}
	for i := range 2 {
		r.Receive(alice, options)
		c := challenges(t, string(n.last))[i]
		cred := credentials(&c, "OPTIONS", "sip:bob@10.0.0.2", "secret")
		request := bytes.Replace(options, []byte("Call-ID: 1"), []byte(cred+"\r\nCall-ID: 1"), 1)
		if a := testing.AllocsPerRun(1000, func() { r.Receive(alice, request) }); a != 0 {
			t.Errorf("%v: %v allocations", c.Algorithm, a)
		}
		if !bytes.HasPrefix(n.last, []byte("SIP/2.0 200 ")) {
			t.Errorf("%v: %s", c.Algorithm, n.last)
		}
	}
}

// lazy is a backend that is asked only where that may take time.
type lazy struct{ err error }

func (s lazy) Credential(ctx context.Context, user, _, realm string) (*backends.Credential, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		return nil, errors.New("asked on the goroutine of a reader")
	}
	if user != "alice" || realm != "example.org" {
		return nil, backends.ErrNotFound
	}
	return &backends.Credential{HA1: hash(digest.MD5)}, s.err
}

// TestAuthenticateWaits: who stands in a database is let in by the pool, and a database that
// does not answer lets nobody in.
func TestAuthenticateWaits(t *testing.T) {
	const policy = `
version: 1
listen: [{udp: "10.0.0.9:5060"}]
overload: {retry_after: 7s}
routes: {request: [{do: [{authenticate: {users: db}}, {reply: {code: 200}}]}]}
`
	for _, c := range []struct {
		backend backends.Subscribers
		want    string
	}{{lazy{}, "200"}, {lazy{errors.New("gone")}, "503"}} {
		n := &kept{null: null{listeners: Listeners(load(t, policy))}}
		pool := NewPool(1, time.Minute, nil)
		r := New(Config{
			Sender: n, Wake: func(time.Time) {}, Pool: pool,
			Subscribers: func(name string, _ ...string) backends.Subscribers {
				if name != "db" {
					return nil
				}
				return c.backend
			},
		})
		swap(t, r, policy)
		r.Receive(alice, options)
		ch := challenges(t, string(n.last))
		cred := credentials(&ch[0], "OPTIONS", "sip:bob@10.0.0.2", "secret")
		request := bytes.Replace(options, []byte("Call-ID: 1"), []byte(cred+"\r\nCall-ID: 1"), 1)
		r.Receive(alice, bytes.Replace(request, []byte("z9hG4bK1"), []byte("z9hG4bK2"), 1))
		pool.Close()
		if !bytes.HasPrefix(n.last, []byte("SIP/2.0 "+c.want)) {
			t.Errorf("want %s, got %s", c.want, n.last)
		}
		if c.want == "503" && !bytes.Contains(n.last, []byte("\r\nRetry-After: 7\r\n")) {
			t.Errorf("it may come again when the policy says, not\n%s", n.last)
		}
	}
}
