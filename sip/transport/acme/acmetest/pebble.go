// Package acmetest is the CA of tests: Pebble, that of Let's Encrypt, which
// checks and refuses as a real one does. Its one law: it asks nobody beyond the
// loopback.
package acmetest

import (
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"sipedge/sip/transport/porttest"
)

// Config of a CA.
type Config struct {
	DNS       netip.AddrPort // who tells where names are
	TLS, HTTP int            // the ports of TLS-ALPN-01 and of HTTP-01
	Validity  time.Duration  // of certificates, whole seconds
}

// CA is a CA until the test ends.
type CA struct {
	Directory string // its URL
	Root      string // PEM file: who signs for it

	t       testing.TB
	handler http.Handler
	addr    string
	server  *httptest.Server // nil: it is down
}

// New starts a CA. Nothing of Pebble that is random is left to chance but the nonces it refuses.
func New(t testing.TB, c Config) *CA {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_AUTHZREUSE", "0")
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	profiles := map[string]ca.Profile{
		"default": {ValidityPeriod: uint64(c.Validity / time.Second)},
	}
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, profiles)
	checks := va.New(quiet, c.HTTP, c.TLS, true, c.DNS.String(), store)
	front := wfe.New(quiet, store, checks, authority, []string{"ca.example"}, true, false, 0, 0)
	a := &CA{t: t, handler: front.Handler(), addr: porttest.Free(t).String()}
	a.Up()
	a.Directory = "https://" + a.addr + wfe.DirectoryPath
	a.Root = filepath.Join(t.TempDir(), "root.pem")
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.server.Certificate().Raw})
	if err := os.WriteFile(a.Root, b, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Down)
	return a
}

// Up has it answer, where it did before.
func (a *CA) Up() {
	a.t.Helper()
	l, err := net.Listen("tcp", a.addr)
	if err != nil {
		a.t.Fatal(err)
	}
	a.server = httptest.NewUnstartedServer(a.handler)
	_ = a.server.Listener.Close() // of its own
	a.server.Listener = l
	a.server.Config.ErrorLog = log.New(io.Discard, "", 0) // those who do not trust it
	a.server.StartTLS()
}

// Down has it gone, with what it knows.
func (a *CA) Down() {
	if a.server != nil {
		a.server.CloseClientConnections()
		a.server.Close()
		a.server = nil
	}
}
