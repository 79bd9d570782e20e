package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sipedge/router/job"
	"sipedge/sip/digest"
)

// why sends credentials, and returns what a trace has of them.
func (w *world) why(t *testing.T, c try) string {
	t.Helper()
	if c.nonce == "" {
		c.nonce = w.nonce()
	}
	j := w.job(t, c)
	j.Trace = new(job.Trace)
	_, _, _ = w.Verify(context.Background(), j, []byte(realm), nil)
	var said []string
	for _, e := range j.Trace.Events {
		said = append(said, e.Why)
	}
	return strings.Join(said, "; ")
}

// A trace says why somebody is not let in, and nothing that he has to keep to himself.
func TestWhy(t *testing.T) {
	const none = `no credentials, realm "example.net"`
	for name, c := range map[string]struct {
		try
		want string
	}{
		"a password":           {try{}, ""},
		"a wrong password":     {try{password: "guess"}, wrongResponse + `, user "alice"`},
		"nobody":               {try{user: "mallory"}, unknownUser + `, user "mallory"`},
		"another URI":          {try{uri: "sip:example.org"}, otherURI + `, user "alice"`},
		"what was not offered": {try{algorithm: digest.SHA512256}, notOffered + `, user "alice"`},
		"a nonce of his own":   {try{nonce: "0a4f113b"}, badNonce + `, user "alice"`},
		"another realm":        {try{realm: "example.org"}, none},
		"Basic":                {try{raw: "Basic YWxpY2U6c2VjcmV0"}, otherScheme + "; " + none},
		"junk":                 {try{raw: `Digest username="alice"`}, malformed + "; " + none},
	} {
		if got := newWorld(0).why(t, c.try); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWhyLater(t *testing.T) {
	w := newWorld(0)
	nonce := w.nonce()
	w.now = w.now.Add(time.Minute)
	if got := w.why(t, try{nonce: nonce}); got != staleNonce+`, user "alice"` {
		t.Errorf("an old nonce: %q", got)
	}
	nonce = w.nonce()
	w.send(t, try{nonce: nonce})
	if got := w.why(t, try{nonce: nonce, method: "REGISTER", from: "192.0.2.8:5060"}); got !=
		replayed+`, user "alice"` {
		t.Errorf("a replay: %q", got)
	}
	for range 3 {
		w.send(t, try{password: "guess"})
	}
	if got := w.why(t, try{}); got != tooMany {
		t.Errorf("after three tries: %q", got)
	}
	w.err = errors.New("away")
	if got := w.why(t, try{user: "bob", password: "other"}); got != unavailable {
		t.Errorf("a database that is away: %q", got)
	}
}
