package acme

import (
	"context"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/certmagic"
)

// Order is what a CA is asked for. Orders that are equal are the same.
type Order struct {
	Domain    string
	Directory string // URL of the CA
	Email     string // where the CA writes to; "": nowhere
	CA        string // PEM file of who signs for the directory; "": whom the system trusts
	HTTP      string // host:port where HTTP-01 is answered; "": TLS-ALPN-01, by Challenge
}

// issuer is the name of the CA in the folder.
func (o Order) issuer() string {
	u, err := url.Parse(o.Directory)
	if err != nil {
		return certmagic.StorageKeys.Safe(o.Directory)
	}
	return strings.ReplaceAll(strings.Trim(u.Host+u.Path, "/"), "/", "-")
}

// Result says how an order ended: the index into what Results gives.
type Result uint8

const (
	Issued      Result = iota
	Unreachable        // the CA does not answer
	Untrusted          // who answers does not prove to be the CA
	Refused            // by the CA, which names a problem
	Broken             // anything else: a file, a port
	results
)

// Words are those for each Result, as metrics label them.
var Words = [results]string{"issued", "unreachable", "untrusted", "refused", "error"}

// Manager keeps certificates. Methods are safe for concurrent use.
type Manager struct {
	folder  string
	log     *slog.Logger
	storage *storage
	proofs  sync.Map      // of names that are being proved by TLS: string → *tls.Certificate
	turn    chan struct{} // of who listens for HTTP-01
	counts  [results]atomic.Uint64

	ends context.Context // with the manager
	end  context.CancelFunc
	work sync.WaitGroup // of keepers

	mu      sync.Mutex
	keepers map[string]*keeper // by name
}

// New returns a Manager without certificates. Account keys, certificates and their keys lie in
// folder, which nobody else writes to or may read.
func New(folder string, log *slog.Logger) *Manager {
	m := &Manager{
		folder: folder, log: log, storage: newStorage(folder), turn: make(chan struct{}, 1),
		keepers: make(map[string]*keeper),
	}
	m.ends, m.end = context.WithCancel(context.Background())
	return m
}

// Files are where a certificate and its key are, in PEM, when they have been issued.
func (m *Manager) Files(o Order) (cert, key string) {
	file := func(name string) string { return filepath.Join(m.folder, filepath.FromSlash(name)) }
	return file(certmagic.StorageKeys.SiteCert(o.issuer(), o.Domain)),
		file(certmagic.StorageKeys.SitePrivateKey(o.issuer(), o.Domain))
}

// Use keeps these certificates, by name, and no others from now on. Those that are ordered as
// before go on.
func (m *Manager) Use(orders map[string]Order) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, k := range m.keepers {
		if o, ok := orders[name]; !ok || o != k.Order {
			k.end()
			delete(m.keepers, name)
		}
	}
	for name, o := range orders {
		if m.keepers[name] != nil {
			continue
		}
		k := &keeper{Order: o, name: name, m: m, asked: make(chan struct{}, 1)}
		ctx, end := context.WithCancel(m.ends)
		k.end = end
		m.keepers[name] = k
		m.work.Go(func() { k.run(ctx) })
	}
}

// Renew has a certificate ordered now, with a key of its own, whenever it is due; "": all of them.
// What fails is tried again as any order is. It returns how many are, and does not wait.
func (m *Manager) Renew(name string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.keepers {
		if name != "" && k.name != name {
			continue
		}
		n++
		select {
		case k.asked <- struct{}{}:
		default: // it is asked already
		}
	}
	return n
}

// Wrong says why a certificate could not be issued or renewed when that was tried last;
// "": it could, or was not.
func (m *Manager) Wrong(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k := m.keepers[name]; k != nil {
		if why := k.wrong.Load(); why != nil {
			return *why
		}
	}
	return ""
}

// Results are how many orders ended how.
func (m *Manager) Results() (list [results]uint64) {
	for i := range list {
		list[i] = m.counts[i].Load()
	}
	return list
}

// Close ends what is under way, and returns when it has.
func (m *Manager) Close() {
	m.end()
	m.work.Wait()
}
