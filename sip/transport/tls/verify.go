package tls

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
)

var (
	errNoCertificate = errors.New("the peer showed no certificate")
	errRevoked       = errors.New("certificate is revoked")
)

// usages are what a certificate may be for. Peers show the one they have, in either direction.
var usages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}

// sipDomain is id-kp-sipDomain, RFC 5924: a certificate for SIP and maybe for nothing else.
var sipDomain = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 20}

// client verifies whoever connected to us.
func (i *identity) client(state tls.ConnectionState) error {
	if len(state.PeerCertificates) > 0 {
		return i.verify(state.PeerCertificates, time.Now())
	}
	if i.mode == Require {
		return &transport.HandshakeError{
			Fault: transport.FaultNoCertificate, Err: errNoCertificate,
		}
	}
	return nil
}

// server verifies whom we connected to.
func (i *identity) server(
	state tls.ConnectionState, name sip.HostName, address netip.Addr,
) error {
	if err := i.verify(state.PeerCertificates, time.Now()); err != nil {
		return err
	}
	if leaf := state.PeerCertificates[0]; !isOf(leaf, name, address) {
		whom := name.String()
		if whom == "" {
			whom = address.String()
		}
		return &transport.HandshakeError{
			Fault: transport.FaultName,
			Err:   fmt.Errorf("certificate is of %q, not of %s", domains(leaf), whom),
		}
	}
	return nil
}

// verify follows a chain to whom we trust, RFC 5280 §6. Sessions that are resumed come here as
// well: what was revoked since or ran out is not resumed.
func (i *identity) verify(chain []*x509.Certificate, at time.Time) error {
	leaf := chain[0]
	o := x509.VerifyOptions{
		Roots: i.roots, Intermediates: x509.NewCertPool(), KeyUsages: usages, CurrentTime: at,
	}
	if slices.ContainsFunc(leaf.UnknownExtKeyUsage, sipDomain.Equal) {
		o.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	chains, err := leaf.Verify(o)
	if err != nil {
		return &transport.HandshakeError{Fault: mistake(err), Err: err}
	}
	if !slices.ContainsFunc(chains, i.revoked.none) {
		return &transport.HandshakeError{Fault: transport.FaultRevoked, Err: errRevoked}
	}
	return nil
}

// mistake is what x509 says of a certificate.
func mistake(err error) transport.Fault {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return transport.FaultExpired
	case errors.As(err, &unknown):
		return transport.FaultUnknownCA
	}
	return transport.FaultCertificate
}
