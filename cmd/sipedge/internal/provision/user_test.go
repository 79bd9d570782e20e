package provision

import (
	"crypto/md5"
	"encoding/hex"
	"testing"

	"sipedge/backends"
)

// The hashes of RFC 7616 §3.9.1 (Mufasa), of RFC 2617's A1.
func TestHashes(t *testing.T) {
	a := address{"Mufasa", "http-auth@example.org"}
	got := map[string]string{}
	for _, c := range a.hashes("Circle of Life") {
		got[c.Column] = backends.Text(c.Value)
	}
	response := func(ha1 string) string { // RFC 7616's request, MD5
		md := func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) }
		return md(ha1 + ":7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v:00000001:" +
			"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ:auth:" + md("GET:/dir/index.html"))
	}
	if r := response(got["ha1"]); r != "8ca523f5e9506fed4657c9700eebdbec" {
		t.Errorf("response %s", r)
	}
	if got["password"] != "" || len(got["ha1_sha256"]) != 64 || len(got["ha1_sha512t256"]) != 64 {
		t.Errorf("%v", got)
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"alice@Example.org": "alice@example.org", "a@b@c": "a@b@c", "@x": "", "x@": "", "x": "",
		"a b@x": "", "a\r\nb@x": "", "a:b@x": "",
	} {
		a, err := parseAddress(in)
		if (err == nil) != (want != "") || err == nil && a.String() != want {
			t.Errorf("%q: %v, %v; want %q", in, a, err, want)
		}
	}
}
