package tls

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// peerOf is who a certificate says its owner is.
func peerOf(c *x509.Certificate) *transport.Peer {
	sum := sha256.Sum256(c.Raw)
	p := &transport.Peer{
		Domains: domains(c), Subject: c.Subject.String(), Issuer: c.Issuer.String(),
		Serial: c.SerialNumber.Text(16), Fingerprint: hex.EncodeToString(sum[:]),
	}
	for _, u := range c.URIs {
		p.SAN = append(p.SAN, u.String())
	}
	p.SAN = append(p.SAN, c.DNSNames...)
	for _, a := range c.IPAddresses {
		p.SAN = append(p.SAN, a.String())
	}
	p.SAN = append(p.SAN, c.EmailAddresses...)
	return p
}

// domains are the SIP domains a certificate is of, RFC 5922 §7.1: those of its sip URIs without
// a user; without such a URI its DNS names; and without a subjectAltName its common name.
func domains(c *x509.Certificate) (names []string) {
	for _, u := range c.URIs {
		uri, err := sip.ParseURI([]byte(u.String()))
		if err == nil && uri.Scheme == sip.SIP && len(uri.User) == 0 {
			names = append(names, domain(string(uri.Host)))
		}
	}
	if len(names) > 0 {
		return names
	}
	for _, name := range c.DNSNames {
		names = append(names, domain(name))
	}
	if cn := c.Subject.CommonName; len(names) == 0 && !hasSAN(c) && strings.Contains(cn, ".") {
		names = append(names, domain(cn))
	}
	return names
}

func domain(s string) string { return strings.TrimSuffix(strings.ToLower(s), ".") }

var subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

func hasSAN(c *x509.Certificate) bool {
	for _, e := range c.Extensions {
		if e.Id.Equal(subjectAltName) {
			return true
		}
	}
	return false
}

// isOf reports whether a certificate is of name, or without one, of address. Names are compared
// whole and without wildcards, RFC 5922 §7.2.
func isOf(c *x509.Certificate, name sip.HostName, address netip.Addr) bool {
	if name != (sip.HostName{}) {
		return slices.Contains(domains(c), name.String())
	}
	for _, ip := range c.IPAddresses {
		if a, ok := netip.AddrFromSlice(ip); ok && a.Unmap() == address.Unmap() {
			return true
		}
	}
	return false
}
