package tls

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// revoked are the serial numbers of certificates that are void, by who issued them.
type revoked map[string]map[string]bool

// none reports whether a chain has no such certificate.
func (r revoked) none(chain []*x509.Certificate) bool {
	for _, c := range chain {
		if r[string(c.RawIssuer)][string(c.SerialNumber.Bytes())] {
			return false
		}
	}
	return true
}

var (
	errScope  = errors.New("a list of some certificates or of changes only is not supported")
	errSigner = errors.New("signed by none of the CAs in ca")
	errNoList = errors.New("no revocation list in it")
)

// add reads certificate revocation lists, RFC 5280 §5, DER or PEM, which one of authorities
// signed: at least one. One past its next update still counts.
func (r revoked) add(b []byte, authorities []*x509.Certificate) (
	lists []*x509.RevocationList, err error,
) {
	found := blocks(b, "X509 CRL")
	if len(found) == 0 {
		return nil, errNoList
	}
	for _, der := range found {
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, err
		}
		for _, e := range list.Extensions {
			if e.Critical {
				return nil, errScope
			}
		}
		if !signed(list, authorities) {
			return nil, fmt.Errorf("%s: %w", list.Issuer, errSigner)
		}
		serials := r[string(list.RawIssuer)]
		if serials == nil {
			serials = make(map[string]bool)
			r[string(list.RawIssuer)] = serials
		}
		for _, e := range list.RevokedCertificateEntries {
			serials[string(e.SerialNumber.Bytes())] = true
		}
		lists = append(lists, list)
	}
	return lists, nil
}

func signed(list *x509.RevocationList, authorities []*x509.Certificate) bool {
	for _, ca := range authorities {
		if bytes.Equal(ca.RawSubject, list.RawIssuer) && list.CheckSignatureFrom(ca) == nil {
			return true
		}
	}
	return false
}

// blocks are what a PEM file has of a kind; a file without PEM is one of them.
func blocks(b []byte, kind string) (list [][]byte) {
	block, rest := pem.Decode(b)
	if block == nil {
		return [][]byte{b}
	}
	for ; block != nil; block, rest = pem.Decode(rest) {
		if block.Type == kind {
			list = append(list, block.Bytes)
		}
	}
	return list
}
