package acme

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sipedge/sip/resolve/resolvetest"
	"sipedge/sip/transport/acme/acmetest"
	"sipedge/sip/transport/porttest"
	"sipedge/sip/transport/transporttest"
)

const zone = "edge IN A 127.0.0.1\n"

// lines is a log.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), s)
}

// manager keeps certificates in a folder of its own. No goroutine of it is left in the end.
func manager(t *testing.T) (*Manager, *lines) {
	t.Helper()
	others := goleak.IgnoreCurrent()
	log := new(lines)
	m := New(filepath.Join(t.TempDir(), "acme"), slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(func() {
		m.Close()
		goleak.VerifyNone(t, others, // Pebble's, and the connections of its checks
			goleak.IgnoreAnyFunction("github.com/letsencrypt/pebble/v2/va.VAImpl.process"),
			goleak.IgnoreAnyFunction("net/http.(*conn).serve"),
			goleak.IgnoreAnyFunction("net/http/httptest.(*Server).goServe.func1"))
	})
	return m, log
}

// prover listens for a CA that asks by TLS-ALPN-01.
func prover(t *testing.T) (port int, answer func(*Manager)) {
	t.Helper()
	var m *Manager
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		NextProtos: []string{"acme-tls/1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return m.Challenge(hello.ServerName), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	var serving sync.WaitGroup
	serving.Go(func() {
		<-ready
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				_ = c.(*tls.Conn).Handshake() // the CA tells what it thinks of it
				c.Close()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port, func(by *Manager) {
		m = by
		close(ready)
	}
}

// issued is the certificate in the files of an order; nil: there is none.
func issued(t *testing.T, m *Manager, o Order) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(m.Files(o))
	if err != nil {
		return nil
	}
	return pair.Leaf
}

// A certificate is issued, and another before it ends; nobody else can read their files.
func TestIssueAndRenew(t *testing.T) {
	port, answer := prover(t)
	ca := acmetest.New(t, acmetest.Config{
		DNS: resolvetest.Named(t, zone), TLS: port, Validity: 9 * time.Second,
	})
	m, log := manager(t)
	answer(m)
	o := Order{Domain: "edge.example", Directory: ca.Directory, CA: ca.Root, Email: "a@edge.example"}
	m.Use(map[string]Order{"edge": o})
	transporttest.Eventually(t, "a certificate", func() bool { return issued(t, m, o) != nil })
	first := issued(t, m, o)
	if len(first.DNSNames) != 1 || first.DNSNames[0] != o.Domain {
		t.Errorf("it is of %v", first.DNSNames)
	}
	transporttest.Eventually(t, "another", func() bool {
		c := issued(t, m, o)
		return c != nil && c.SerialNumber.Cmp(first.SerialNumber) != 0
	})
	if time.Now().After(first.NotAfter) {
		t.Error("the second comes after the end of the first")
	}
	transporttest.Eventually(t, "both are counted", func() bool { return m.Results()[Issued] >= 2 })
	if why := m.Wrong("edge"); why != "" {
		t.Error(why)
	}
	if n := log.count("level=ERROR"); n > 0 {
		t.Errorf("%d errors logged", n)
	}
	files := 0
	err := filepath.WalkDir(m.folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		files++
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("%d files, %v", files, err)
	}
}

// A certificate that is not due is ordered anew when somebody asks for that, with another key; when
// that fails it is tried again, and what there was stays.
func TestRenewNow(t *testing.T) {
	port, answer := prover(t)
	ca := acmetest.New(t, acmetest.Config{
		DNS: resolvetest.Named(t, zone), TLS: port, Validity: 24 * time.Hour,
	})
	m, _ := manager(t)
	answer(m)
	o := Order{Domain: "edge.example", Directory: ca.Directory, CA: ca.Root}
	m.Use(map[string]Order{"edge": o})
	transporttest.Eventually(t, "a certificate", func() bool { return m.Results()[Issued] == 1 })
	first := issued(t, m, o)
	if n := m.Renew("nobody"); n != 0 {
		t.Errorf("%d of a name that there is not", n)
	}
	trusted, err := os.ReadFile(ca.Root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(ca.Root, 0); err != nil {
		t.Fatal(err)
	}
	if n := m.Renew("edge"); n != 1 {
		t.Errorf("%d are ordered, want 1", n)
	}
	transporttest.Eventually(t, "a failure", func() bool { return m.Wrong("edge") != "" })
	if c := issued(t, m, o); c.SerialNumber.Cmp(first.SerialNumber) != 0 {
		t.Error("what there was is gone")
	}
	if err := os.WriteFile(ca.Root, trusted, 0o600); err != nil {
		t.Fatal(err)
	}
	transporttest.Eventually(t, "another", func() bool { return m.Results()[Issued] == 2 })
	second := issued(t, m, o)
	if second.SerialNumber.Cmp(first.SerialNumber) == 0 ||
		bytes.Equal(second.RawSubjectPublicKeyInfo, first.RawSubjectPublicKeyInfo) {
		t.Error("it is the first certificate, or has its key")
	}
	transporttest.Eventually(t, "nothing wrong", func() bool { return m.Wrong("edge") == "" })
}

// By HTTP-01 there is a listener while the CA asks, and no longer.
func TestHTTP(t *testing.T) {
	address := porttest.Free(t)
	ca := acmetest.New(t, acmetest.Config{
		DNS:  resolvetest.Named(t, zone+"two IN A 127.0.0.1\n"),
		HTTP: int(address.Port()), Validity: 24 * time.Hour,
	})
	m, _ := manager(t)
	one := Order{
		Domain: "edge.example", Directory: ca.Directory, CA: ca.Root, HTTP: address.String(),
	}
	two := one
	two.Domain = "two.example"
	m.Use(map[string]Order{"one": one, "two": two})
	transporttest.Eventually(t, "two certificates", func() bool {
		return issued(t, m, one) != nil && issued(t, m, two) != nil
	})
	transporttest.Eventually(t, "both are counted", func() bool { return m.Results()[Issued] == 2 })
	if _, err := http.Get("http://" + address.String()); err == nil {
		t.Error("somebody listens still")
	}
}

// What fails has its reason, which is told once.
func TestFailures(t *testing.T) {
	ca := acmetest.New(t, acmetest.Config{
		DNS: resolvetest.Named(t, zone), TLS: 1, Validity: 24 * time.Hour,
	})
	m, log := manager(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good := Order{Domain: "edge.example", Directory: ca.Directory, CA: ca.Root}
	away, foreign, unproved, nowhere, broken := good, good, good, good, good
	away.Directory = "https://127.0.0.1:1/dir"
	foreign.CA = transporttest.NewAuthority(t).CA
	nowhere.Domain = "nowhere.example"
	broken.CA = empty
	m.Use(map[string]Order{
		"away": away, "foreign": foreign, "unproved": unproved, "nowhere": nowhere, "broken": broken,
	})
	for name, want := range map[string]string{
		"away": "connection refused", "foreign": "unknown authority", "broken": "no certificate in it",
		"unproved": "Failed to connect", "nowhere": "nowhere.example",
	} {
		told := "not issued: what there is stays\" certificate=" + name + " "
		transporttest.Eventually(t, name, func() bool {
			return strings.Contains(m.Wrong(name), want) && log.count(told) > 0
		})
		if n := log.count(told); n != 1 {
			t.Errorf("%s is told %d times", name, n)
		}
	}
	got := m.Results()
	for r, least := range map[Result]uint64{Unreachable: 1, Untrusted: 1, Refused: 2, Broken: 1} {
		if got[r] < least {
			t.Errorf("%d counted as %s", got[r], Words[r])
		}
	}
	if m.Wrong("nobody") != "" || got[Issued] != 0 {
		t.Error("something is told of nothing")
	}
}

// A reason is told again when it was another in between.
func TestToldOnce(t *testing.T) {
	m, log := manager(t)
	k := &keeper{name: "edge", m: m}
	last := Issued
	for _, err := range []error{
		errNotThere, errNotThere, &url.Error{Op: "Get", Err: errNotThere}, errNotThere,
	} {
		last = k.failed(err, last, time.Second)
	}
	if n := log.count("level=ERROR"); n != 3 {
		t.Errorf("told %d times, want 3", n)
	}
	if got := m.Results(); got[Broken] != 3 || got[Unreachable] != 1 {
		t.Error(got)
	}
}

// Orders that change begin anew, and the others go on.
func TestUse(t *testing.T) {
	m, _ := manager(t)
	nowhere := Order{Domain: "a.example", Directory: "https://127.0.0.1:1/dir"}
	m.Use(map[string]Order{"a": nowhere, "b": nowhere, "c": nowhere})
	a, b := m.keepers["a"], m.keepers["b"]
	other := nowhere
	other.Email = "x@a.example"
	m.Use(map[string]Order{"a": nowhere, "b": other})
	if m.keepers["a"] != a || m.keepers["b"] == b || len(m.keepers) != 2 {
		t.Errorf("%v", m.keepers)
	}
}

// A name is locked by one, and the next has it when it is free.
func TestLock(t *testing.T) {
	s := newStorage(t.TempDir())
	if err := s.Lock(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	var got sync.WaitGroup
	var order []int
	got.Go(func() {
		if err := s.Lock(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		order = append(order, 2)
	})
	if err := s.Lock(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	order = append(order, 1)
	if err := s.Unlock(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	got.Wait()
	if len(order) != 2 || order[0] != 1 {
		t.Error(order)
	}
}
