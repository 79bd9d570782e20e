package tls

import (
	"cmp"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ClientMode says whether who connects shows a certificate.
type ClientMode uint8

const (
	None    ClientMode = iota // nobody is asked
	Request                   // one that is shown is verified
	Require                   // and one is shown
)

// Files are where a certificate is, and whom we trust where it is shown.
type Files struct {
	Cert, Key string   // PEM: the certificate with what leads from it to its CA, and its key
	Awaited   string   // the domain of a certificate whose files are written later; "": they are there
	CA        []string // PEM: whom to trust; none: whom the system trusts
	CRL       []string // PEM or DER: what a CA of CA revoked
	Client    ClientMode
}

func (f Files) all() []string {
	return slices.Concat([]string{f.Cert, f.Key}, f.CA, f.CRL)
}

// identity is a certificate as it was read, or one that is awaited. It is never changed.
type identity struct {
	files   Files
	cert    tls.Certificate
	names   []string // SIP domains
	roots   *x509.CertPool
	revoked revoked
	mode    ClientMode
	ends    []Expiry
	serving *tls.Config // for who connects
}

// awaited reports whether there is no certificate yet.
func (i *identity) awaited() bool { return i.cert.Leaf == nil }

// until is when the certificate ends; the zero time of one that is awaited.
func (i *identity) until() (t time.Time) {
	if !i.awaited() {
		t = i.cert.Leaf.NotAfter
	}
	return t
}

// untimely tells why who checks the certificate refuses it at that moment; "": it is of that time.
func (i *identity) untimely(now time.Time) string {
	const shown = time.RFC3339
	switch {
	case i.awaited():
	case now.After(i.cert.Leaf.NotAfter):
		return "it ended at " + i.cert.Leaf.NotAfter.Format(shown)
	case now.Before(i.cert.Leaf.NotBefore):
		return "it begins at " + i.cert.Leaf.NotBefore.Format(shown)
	}
	return ""
}

// Expiry is when something of a certificate ends.
type Expiry struct {
	Certificate string // its name
	Of          string // "certificate", "ca" or "crl"
	At          time.Time
}

// Store holds the certificates of a policy by name. Methods are safe for concurrent use.
type Store struct {
	// Challenge gives what proves to a CA that a name, in lower case, is ours, RFC 8737; nil:
	// nothing does. It is set before anybody connects.
	Challenge func(name string) *tls.Certificate

	current  atomic.Pointer[map[string]*identity]
	swaps    atomic.Uint64 // of current
	peers    peers
	reloaded atomic.Uint64
	failed   atomic.Uint64

	mu       sync.Mutex
	stamps   map[string]stamp  // of files, when they were read last
	seen     map[string]stamp  // when they were looked at last
	wrong    map[string]string // why certificates could not be read again, by name
	untimely map[string]bool   // that it was told which have ended, or begin later, by name
	told     func(name string, err error)
	shown    map[string]*credentials
}

// Status is how it stands with a certificate.
type Status struct {
	Name    string
	Domains []string // of SIP
	Ends    []Expiry
	Awaited bool   // Files.Awaited: there is none yet
	Wrong   string // why its files could not be read again, or who checks it refuses it; "": neither
}

// NewStore returns a Store without certificates.
func NewStore() *Store {
	s := &Store{shown: make(map[string]*credentials), told: func(string, error) {}}
	s.current.Store(&map[string]*identity{})
	return s
}

// Prepared are certificates that were read and are not in use yet.
type Prepared struct {
	identities map[string]*identity
	stamps     map[string]stamp
}

// Prepare reads certificates by name, all of them, or it tells what is wrong with which.
func Prepare(all map[string]Files) (*Prepared, map[string]error) {
	p := &Prepared{identities: make(map[string]*identity), stamps: make(map[string]stamp)}
	wrong := make(map[string]error)
	for name, files := range all {
		stampAll(p.stamps, files)
		i, err := load(name, files)
		if err != nil {
			wrong[name] = err
		}
		p.identities[name] = i
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return p, nil
}

// Untimely tells, by name, why a certificate is refused by who checks it at that moment: it has
// ended, or begins later. "": it is of that time.
func (p *Prepared) Untimely(name string, now time.Time) string {
	if i := p.identities[name]; i != nil {
		return i.untimely(now)
	}
	return ""
}

// Use has new connections get what was prepared, of which the caller tells what is untimely. Those
// that are open keep what they have until Judge.
func (s *Store) Use(p *Prepared) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stamps, s.seen, s.wrong = p.stamps, maps.Clone(p.stamps), make(map[string]string)
	s.untimely = make(map[string]bool)
	for name := range p.identities {
		s.untimely[name] = p.Untimely(name, time.Now()) != ""
	}
	s.swap(p.identities)
}

// swap is called with mu held.
func (s *Store) swap(to map[string]*identity) {
	s.current.Store(&to)
	s.swaps.Add(1)
}

// Expiries tells when what is in use ends, by name.
func (s *Store) Expiries() (list []Expiry) {
	all := *s.current.Load()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name].ends...)
	}
	return list
}

// List tells of what is in use, by name.
func (s *Store) List() (list []Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := *s.current.Load()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		i := all[name]
		list = append(list, Status{
			Name: name, Domains: i.names, Ends: i.ends, Awaited: i.awaited(),
			Wrong: cmp.Or(s.wrong[name], i.untimely(time.Now())),
		})
	}
	return list
}

// Reloads are how often files that changed were read, and could not be.
func (s *Store) Reloads() (done, failed uint64) { return s.reloaded.Load(), s.failed.Load() }

func (s *Store) identity(name string) *identity { return (*s.current.Load())[name] }

var errEmpty = errors.New("no certificate in it")

func load(name string, f Files) (*identity, error) {
	i := &identity{files: f, mode: f.Client, revoked: make(revoked)}
	var err error
	ends := make(map[string]time.Time)
	switch i.cert, err = tls.LoadX509KeyPair(f.Cert, f.Key); {
	case err == nil:
		i.names, ends["certificate"] = domains(i.cert.Leaf), i.until()
		i.cert.PrivateKey = signer{i.cert.PrivateKey.(crypto.Signer)}
	case f.Awaited != "":
		i.names = []string{domain(f.Awaited)}
	default:
		return nil, fmt.Errorf("%s, %s: %w", f.Cert, f.Key, err)
	}
	first := func(of string, at time.Time) {
		if was, ok := ends[of]; !ok || at.Before(was) {
			ends[of] = at
		}
	}
	var authorities []*x509.Certificate
	for _, file := range f.CA {
		found, err := readCA(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		authorities = append(authorities, found...)
	}
	if len(f.CA) > 0 {
		i.roots = x509.NewCertPool()
	}
	for _, ca := range authorities {
		i.roots.AddCert(ca)
		first("ca", ca.NotAfter)
	}
	for _, file := range f.CRL {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		lists, err := i.revoked.add(b, authorities)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, l := range lists {
			if !l.NextUpdate.IsZero() {
				first("crl", l.NextUpdate)
			}
		}
	}
	for _, of := range slices.Sorted(maps.Keys(ends)) {
		i.ends = append(i.ends, Expiry{name, of, ends[of]})
	}
	i.serving = i.config()
	return i, nil
}

func readCA(file string) (list []*x509.Certificate, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for _, der := range blocks(b, "CERTIFICATE") {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, errEmpty
	}
	return list, nil
}
