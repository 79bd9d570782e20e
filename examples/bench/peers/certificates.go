package peers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificates are files: a certificate of 127.0.0.1 for everybody, its key, and the CA it is of.
type Certificates struct{ Cert, Key, CA string }

// NewCertificates makes a CA for a day, which signs one certificate.
func NewCertificates(dir string) (c Certificates, err error) {
	c = Certificates{
		Cert: filepath.Join(dir, "bench.pem"), Key: filepath.Join(dir, "bench.key"),
		CA: filepath.Join(dir, "ca.pem"),
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	begin := time.Now().Add(-time.Hour)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sipedge bench"},
		NotBefore: begin, NotAfter: begin.AddDate(0, 0, 1),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"},
		NotBefore: begin, NotAfter: begin.AddDate(0, 0, 1),
		KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{
			x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth,
		},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	for _, signed := range []struct {
		file string
		cert *x509.Certificate
		of   *ecdsa.PrivateKey
	}{{c.CA, ca, caKey}, {c.Cert, leaf, key}} {
		der, err := x509.CreateCertificate(rand.Reader, signed.cert, ca, &signed.of.PublicKey, caKey)
		if err != nil {
			return c, err
		}
		if err := write(signed.file, "CERTIFICATE", der); err != nil {
			return c, err
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return c, err
	}
	return c, write(c.Key, "PRIVATE KEY", der)
}

func write(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
