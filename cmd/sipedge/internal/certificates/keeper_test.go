package certificates

import (
	"context"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sipedge/schema"
	"sipedge/sip/transport/transporttest"
)

var quiet = slog.New(slog.DiscardHandler)

// issued is a certificate of a CA that does not answer.
func issued(name string) schema.Certificate {
	return schema.Certificate{
		Name: name, Client: "none", Pos: schema.Pos{Line: 1, Col: 1},
		ACME: &schema.ACME{Domain: name + ".example", Directory: "https://127.0.0.1:1/"},
	}
}

func document(all ...schema.Certificate) *schema.Document {
	return &schema.Document{Certificates: all}
}

// inFiles is a certificate of ca.
func inFiles(ca *transporttest.Authority, name string) schema.Certificate {
	return ofTemplate(ca, name, transporttest.Names(name+".example"))
}

func ofTemplate(
	ca *transporttest.Authority, name string, what x509.Certificate,
) schema.Certificate {
	cert, key, _ := ca.Issue(name, what)
	return schema.Certificate{
		Name: name, Client: "none", Cert: schema.Text{S: cert}, Key: schema.Text{S: key},
	}
}

// What is ordered is told of until it is there, what is in files is there, and all ends with the
// context.
func TestKeeper(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ca := transporttest.NewAuthority(t)
	k := New(t.TempDir(), quiet)
	use := func(doc *schema.Document) {
		t.Helper()
		p, diags := k.Prepare(doc)
		if len(diags) > 0 {
			t.Fatal(diags)
		}
		k.Use(p)
	}
	use(document(issued("edge"), inFiles(ca, "spare")))
	told := func(want map[string]string) bool {
		t.Helper()
		list := k.List()
		for _, s := range list {
			if w, ok := want[s.Name]; !ok || !strings.Contains(s.Wrong, w) || w == "" && s.Wrong != "" {
				return false
			}
		}
		return len(list) == len(want)
	}
	if !told(map[string]string{"edge": notYet, "spare": ""}) {
		t.Errorf("before it runs: %+v", k.List())
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.Run(ctx, 10*time.Millisecond)
	}()
	transporttest.Eventually(t, "an order", func() bool {
		return told(map[string]string{"edge": "connection refused", "spare": ""})
	})
	use(document(issued("edge"), issued("more")))
	transporttest.Eventually(t, "another order", func() bool {
		return told(map[string]string{"edge": "connection refused", "more": "connection refused"})
	})
	if n := k.Orders(); n[0] != 0 || n[1] < 2 {
		t.Errorf("orders: %v", n)
	}
	end()
	<-ended
}

// All that is wrong is told, of each certificate once, and Check does not ask for a state folder.
func TestWrong(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	untrusting, missing := issued("edge"), inFiles(ca, "gone")
	untrusting.ACME.CA = schema.Text{S: empty}
	missing.Key.S += "0"
	past, future := transporttest.Names("past.example"), transporttest.Names("future.example")
	past.NotAfter = time.Now().Add(-time.Minute)
	future.NotBefore = time.Now().Add(time.Hour)
	untimely := document(inFiles(ca, "spare"), ofTemplate(ca, "past", past),
		ofTemplate(ca, "future", future))
	twice := []schema.Code{schema.UntimelyCertificate, schema.UntimelyCertificate}
	for _, c := range []struct {
		doc    *schema.Document
		state  string
		serve  []schema.Code
		online []schema.Code
	}{
		{document(issued("edge"), inFiles(ca, "spare")), "", []schema.Code{schema.NowhereToKeep}, nil},
		{document(inFiles(ca, "spare")), "", nil, nil},
		{untimely, "", twice, twice},
		{document(issued("edge"), inFiles(ca, "spare")), t.TempDir(), nil, nil},
		{document(untrusting, missing), t.TempDir(),
			[]schema.Code{schema.BadCertificate, schema.BadCertificate},
			[]schema.Code{schema.BadCertificate, schema.BadCertificate}},
	} {
		_, diags := New(c.state, quiet).Prepare(c.doc)
		sameCodes(t, diags, c.serve)
		sameCodes(t, Check(c.doc), c.online)
	}
}

func sameCodes(t *testing.T, diags schema.Diagnostics, want []schema.Code) {
	t.Helper()
	same := len(diags) == len(want)
	for i, d := range diags {
		same = same && d.Code == want[i]
	}
	if !same {
		t.Errorf("%v, want the codes %v", diags, want)
	}
}
