package transporttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority is a CA of a test, with its files in Dir.
type Authority struct {
	Dir    string
	CA     string // the file of its certificate
	t      testing.TB
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

// NewAuthority makes a CA in a folder of its own.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{Dir: t.TempDir(), t: t}
	a.key = a.newKey()
	a.cert = a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, &a.key.PublicKey)
	a.CA = a.write("ca.pem", "CERTIFICATE", a.cert.Raw)
	return a
}

// Issue writes name.pem and name.key. c says what the certificate has; what is not said of
// usage and times is what suits. It lies on the disk whole, at the same time as its key.
func (a *Authority) Issue(name string, c x509.Certificate) (
	cert, key string, made *x509.Certificate,
) {
	a.t.Helper()
	if c.ExtKeyUsage == nil && c.UnknownExtKeyUsage == nil {
		c.ExtKeyUsage = []x509.ExtKeyUsage{
			x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth,
		}
	}
	k := a.newKey()
	made = a.sign(&c, &k.PublicKey)
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	cert = a.write(name+".pem", "CERTIFICATE", made.Raw)
	return cert, a.write(name+".key", "PRIVATE KEY", der), made
}

// Revoke writes a list with these certificates in it.
func (a *Authority) Revoke(name string, all ...*x509.Certificate) (file string) {
	a.t.Helper()
	a.serial++
	list := &x509.RevocationList{
		Number: big.NewInt(a.serial), ThisUpdate: time.Now().Add(-time.Minute),
		NextUpdate: time.Now().Add(time.Hour),
	}
	for _, c := range all {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: c.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name, "X509 CRL", der)
}

// Names are the DNS names and addresses a certificate is of, and SIP URIs.
func Names(all ...string) (c x509.Certificate) {
	for _, s := range all {
		if ip := net.ParseIP(s); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else if u, err := url.Parse(s); err == nil && u.Scheme != "" {
			c.URIs = append(c.URIs, u)
		} else {
			c.DNSNames = append(c.DNSNames, s)
		}
	}
	return c
}

func (a *Authority) newKey() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return k
}

func (a *Authority) sign(c *x509.Certificate, public *ecdsa.PublicKey) *x509.Certificate {
	a.serial++
	c.SerialNumber = big.NewInt(a.serial)
	if c.NotBefore.IsZero() {
		c.NotBefore = time.Now().Add(-time.Hour)
	}
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(24 * time.Hour)
	}
	parent := a.cert
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return made
}

// write puts a whole file in the place of another.
func (a *Authority) write(name, kind string, der []byte) string {
	path := filepath.Join(a.Dir, name)
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		a.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		a.t.Fatal(err)
	}
	return path
}
