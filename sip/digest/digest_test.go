package digest

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestVectors are the examples of the RFCs. That of RFC 7616 §3.9.2 is as erratum 4897 has it:
// the document's was made by another hash.
func TestVectors(t *testing.T) {
	for _, v := range []struct{ name, user, realm, password, method, body, value string }{
		{
			name: "RFC 2617 §3.5", user: "Mufasa", realm: "testrealm@host.com",
			password: "Circle Of Life", method: "GET",
			value: `Digest username="Mufasa", realm="testrealm@host.com",
 nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", qop=auth, nc=00000001,
 cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1",
 opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
		},
		{
			name: "RFC 7616 §3.9.1 MD5", user: "Mufasa", realm: "http-auth@example.org",
			password: "Circle of Life", method: "GET",
			value: `Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html",
 algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001,
 cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth,
 response="8ca523f5e9506fed4657c9700eebdbec",
 opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
		},
		{
			name: "RFC 7616 §3.9.1 SHA-256", user: "Mufasa", realm: "http-auth@example.org",
			password: "Circle of Life", method: "GET",
			value: `Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html",
 algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001,
 cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth,
 response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
 opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
		},
		{
			name: "RFC 7616 §3.9.2 SHA-512-256", user: "Jäsøn Doe", realm: "api@example.org",
			password: "Secret, or not?", method: "GET",
			value: `Digest username="Jäsøn Doe", realm="api@example.org", uri="/doe.json",
 algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", nc=00000001,
 cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", qop=auth,
 response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"`,
		},
		{
			name: "RFC 2069 as RFC 2617 corrects it", user: "Mufasa", realm: "testrealm@host.com",
			password: "CircleOfLife", method: "GET",
			value: `Digest username="Mufasa", realm="testrealm@host.com",
 nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html",
 response="1949323746fe6a43ef61f9606e7febea"`,
		},
	} {
		c, err := ParseCredentials([]byte(v.value))
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		ha1 := AppendHA1(nil, c.Algorithm, []byte(v.user), []byte(v.realm), []byte(v.password))
		if !c.Verify(ha1, []byte(v.method), []byte(v.body)) {
			t.Errorf("%s: %s, want %s", v.name,
				c.AppendResponse(nil, ha1, []byte(v.method), []byte(v.body)), c.Response)
		}
		if c.Verify(ha1, []byte("POST"), nil) {
			t.Errorf("%s: another method verified", v.name)
		}
	}
}

// plain is RFC 7616 §3.4 as one would write it down.
func plain(c *Credentials, user, realm, password, method, body string) string {
	h := func(s string) string {
		switch c.Algorithm {
		case MD5, MD5Sess:
			return fmt.Sprintf("%x", md5.Sum([]byte(s)))
		case SHA256, SHA256Sess:
			return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))
		}
		return fmt.Sprintf("%x", sha512.Sum512_256([]byte(s)))
	}
	a1 := h(user + ":" + realm + ":" + password)
	if strings.HasSuffix(c.Algorithm.String(), "-sess") {
		a1 = h(fmt.Sprintf("%s:%s:%s", a1, c.Nonce, c.CNonce))
	}
	switch c.QOP {
	case Auth:
		return h(fmt.Sprintf("%s:%s:%s:%s:auth:%s", a1, c.Nonce, c.NC, c.CNonce,
			h(method+":"+string(c.URI))))
	case AuthInt:
		return h(fmt.Sprintf("%s:%s:%s:%s:auth-int:%s", a1, c.Nonce, c.NC, c.CNonce,
			h(method+":"+string(c.URI)+":"+h(body))))
	}
	return h(fmt.Sprintf("%s:%s:%s", a1, c.Nonce, h(method+":"+string(c.URI))))
}

var word = rapid.StringMatching(`[-a-zA-Z0-9 @.:/;=]{0,60}`)

func drawCredentials(t *rapid.T) Credentials {
	b := func(name string) []byte { return []byte(word.Draw(t, name)) }
	c := Credentials{
		Username: b("user"), Realm: b("realm"), Nonce: b("nonce"), URI: b("uri"),
		Algorithm: Algorithm(rapid.IntRange(int(MD5), int(SHA512256Sess)).Draw(t, "algorithm")),
		Named:     true, QOP: QOP(rapid.IntRange(0, 2).Draw(t, "qop")),
		CNonce: b("cnonce"),
	}
	if c.QOP != 0 {
		c.NC = fmt.Appendf(nil, "%08x", rapid.Uint32().Draw(t, "nc"))
	}
	return c
}

// TestResponse holds every algorithm and quality against the formulas of the RFC, by way of
// the wire.
func TestResponse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCredentials(t)
		password, body := word.Draw(t, "password"), word.Draw(t, "body")
		ha1 := AppendHA1(nil, c.Algorithm, c.Username, c.Realm, []byte(password))
		c.Response = []byte(plain(&c, string(c.Username), string(c.Realm), password, "REGISTER", body))
		got, err := ParseCredentials(c.AppendTo(nil))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c, got); d != "" {
			t.Fatal(d)
		}
		if !got.Verify(ha1, []byte("REGISTER"), []byte(body)) {
			t.Fatalf("%v %v: not verified", c.Algorithm, c.QOP)
		}
		got.Response[rapid.IntRange(0, len(got.Response)-1).Draw(t, "at")] ^= 1
		if got.Verify(ha1, []byte("REGISTER"), []byte(body)) {
			t.Fatal("a changed response verified")
		}
	})
}

func TestChallenge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Challenge{
			Realm: []byte(word.Draw(t, "realm")), Nonce: []byte(word.Draw(t, "nonce")),
			Algorithm: Algorithm(rapid.IntRange(int(MD5), int(SHA512256Sess)).Draw(t, "algorithm")),
			QOP:       QOP(rapid.IntRange(0, 3).Draw(t, "qop")), Stale: rapid.Bool().Draw(t, "stale"),
		}
		got, err := ParseChallenge(c.AppendTo(nil))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c, got); d != "" {
			t.Fatal(d)
		}
	})
	got, err := ParseChallenge([]byte(`digest  Realm = "a \"b\", c",, NONCE="n",stale=TRUE ,` +
		` x=y, algorithm=whirlpool , qop="auth , future"`))
	want := Challenge{Realm: []byte(`a \"b\", c`), Nonce: []byte("n"), QOP: Auth, Stale: true}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(err, d)
	}
	for _, bad := range []string{
		"", "Digest", `Digest realm="a"`, `Digest realm="a, nonce="b"`, `Digest nonce="b" realm="a"`,
		`Digest realm="a", nonce="b", nonce="c"`, `Digest realm="a", nonce="b", qop="future"`,
	} {
		if c, err := ParseChallenge([]byte(bad)); err == nil {
			t.Errorf("%s: %+v", bad, c)
		}
	}
}

const good = `Digest username="a", realm="r", nonce="n", uri="sip:r",` +
	` response="0123456789abcdef0123456789abcdef"`

func TestCredentialsRefused(t *testing.T) {
	if _, err := ParseCredentials([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"without a name":       strings.Replace(good, `username="a", `, "", 1),
		"a hashed name":        good + ", userhash=true",
		"an extended name":     good + ", username*=UTF-8''a",
		"two names":            good + `, username="b"`,
		"a short response":     strings.Replace(good, "0123", "", 1),
		"an upper-case one":    strings.ReplaceAll(good, "abcdef", "ABCDEF"),
		"one of another hash":  good + ", algorithm=SHA-256",
		"qop without nc":       good + `, qop=auth, cnonce="c"`,
		"qop without cnonce":   good + `, qop=auth, nc=00000001`,
		"a short nc":           good + `, qop=auth, nc=1, cnonce="c"`,
		"nc of no digits":      good + `, qop=auth, nc=0000000g, cnonce="c"`,
		"an unknown qop":       good + `, qop=future, nc=00000001, cnonce="c"`,
		"-sess without cnonce": good + ", algorithm=MD5-sess",
		"no end of a quote":    good + `, opaque="x`,
		"a line end":           good + ", opaque=\"x\r\nVia: y\"",
		"junk":                 good + ` x`,
		"an equals sign alone": good + `, =`,
	} {
		if c, err := ParseCredentials([]byte(value)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, %+v", name, err, c)
		}
	}
	for _, scheme := range []string{"Basic YTpi", "", "Digestive a=b"} {
		if _, err := ParseCredentials([]byte(scheme)); !errors.Is(err, ErrScheme) {
			t.Errorf("%q: %v", scheme, err)
		}
	}
	if c, err := ParseCredentials([]byte(good + ", algorithm=AKAv1-MD5")); err != nil ||
		c.Algorithm != 0 {
		t.Errorf("an unknown algorithm: %v, %v", err, c.Algorithm)
	}
}

func TestEscapes(t *testing.T) {
	c, err := ParseCredentials([]byte(strings.Replace(good, `"a"`, `"\"a\\b"`, 1)))
	if err != nil || string(AppendUnescaped(nil, c.Username)) != `"a\b` {
		t.Errorf("%v, %s", err, c.Username)
	}
}

func FuzzCredentials(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(good + `, qop=auth-int, nc=0000000a, cnonce="\"", algorithm=sha-256-sess`))
	f.Add([]byte("Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\", stale=true"))
	f.Fuzz(func(t *testing.T, value []byte) {
		if ch, err := ParseChallenge(value); err == nil {
			again, err := ParseChallenge(ch.AppendTo(nil))
			if ch.Algorithm != 0 && (err != nil || !bytes.Equal(again.Realm, ch.Realm)) {
				t.Errorf("%q: written and read again: %v", value, err)
			}
		}
		c, err := ParseCredentials(value)
		if err != nil || c.Algorithm == 0 {
			return
		}
		again, err := ParseCredentials(c.AppendTo(nil))
		if err != nil {
			t.Fatalf("%q: written and read again: %v", value, err)
		}
		ha1 := AppendHA1(nil, c.Algorithm, c.Username, c.Realm, nil)
		if c.Verify(ha1, nil, nil) != again.Verify(ha1, nil, nil) {
			t.Errorf("%q: verified only once", value)
		}
	})
}

// TestNoAllocations: a phone's credentials cost none.
func TestNoAllocations(t *testing.T) {
	for _, a := range []Algorithm{MD5, MD5Sess, SHA256, SHA256Sess, SHA512256} {
		c := Credentials{
			Username: []byte("alice"), Realm: []byte("example.net"), URI: []byte("sip:example.net"),
			Nonce: []byte("5TsQWLVdgBdmrQ0XsxbDODV57QdFR34I9HAbC"), NC: []byte("00000001"),
			CNonce: []byte("0a4f113b"), QOP: Auth, Algorithm: a, Named: true,
		}
		ha1 := AppendHA1(nil, a, c.Username, c.Realm, []byte("secret"))
		c.Response = c.AppendResponse(nil, ha1, []byte("REGISTER"), nil)
		value := c.AppendTo(nil)
		method := []byte("REGISTER")
		if n := testing.AllocsPerRun(100, func() {
			got, err := ParseCredentials(value)
			if err != nil || !got.Verify(ha1, method, nil) {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v: %v allocations", a, n)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, a := range []Algorithm{MD5, SHA256, SHA512256} {
		b.Run(a.String(), func(b *testing.B) {
			c := Credentials{
				Username: []byte("alice"), Realm: []byte("example.net"), URI: []byte("sip:example.net"),
				Nonce: []byte("5TsQWLVdgBdmrQ0XsxbDODV57QdFR34I9HAbC"), NC: []byte("00000001"),
				CNonce: []byte("0a4f113b"), QOP: Auth, Algorithm: a, Named: true,
			}
			ha1 := AppendHA1(nil, a, c.Username, c.Realm, []byte("secret"))
			c.Response = c.AppendResponse(nil, ha1, []byte("REGISTER"), nil)
			value, method := c.AppendTo(nil), []byte("REGISTER")
			b.ReportAllocs()
			for b.Loop() {
				got, _ := ParseCredentials(value)
				if !got.Verify(ha1, method, nil) {
					b.Fatal("not verified")
				}
			}
		})
	}
}
