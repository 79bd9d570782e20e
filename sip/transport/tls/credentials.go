package tls

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/keep"
)

// sessions are how many sessions a listener keeps, to resume them with whom it calls.
const sessions = 1024

// credentials implement transport.Credentials: what a listener shows.
type credentials struct {
	store    *Store
	names    []string // of certificates, at least one
	sessions tls.ClientSessionCache
}

// Credentials are those of a listener that shows the certificates of these names: the one
// of the domain that it was asked for, else the first. With it count the CAs,
// CRLs and mode of that certificate; calls of our own show the first. Who asks again for the
// same names gets the same.
func (s *Store) Credentials(names ...string) *credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.Join(names, " ")
	c := s.shown[key]
	if c == nil {
		c = &credentials{store: s, names: names, sessions: tls.NewLRUClientSessionCache(sessions)}
		s.shown[key] = c
	}
	return c
}

// Server implements transport.Credentials.
func (c *credentials) Server() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// Keys of session tickets are those of this one, whichever is chosen.
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			defer keep.GiveWay()
			if slices.Equal(hello.SupportedProtos, []string{proof}) {
				return c.store.prove(hello.ServerName)
			}
			name, i := c.choose(hello)
			if w, ok := hello.Conn.(*wire); ok {
				w.judge = name
			}
			switch {
			case i == nil:
				return nil, errNoCredentials
			case i.awaited():
				return nil, &transport.HandshakeError{
					Fault: transport.FaultNotIssued, Err: errNotIssued,
				}
			}
			return i.serving, nil
		},
	}
}

// proof is the protocol of a CA that asks whose a name is, RFC 8737.
const proof = "acme-tls/1"

var (
	errNotIssued  = errors.New("the certificate is not issued yet")
	errNotOrdered = errors.New("no CA was asked for a certificate of this name")
)

// prove is for a CA that asks whose name is. Others get nothing.
func (s *Store) prove(name string) (*tls.Config, error) {
	var cert *tls.Certificate
	if s.Challenge != nil {
		cert = s.Challenge(domain(name))
	}
	if cert == nil {
		return nil, errNotOrdered
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{proof},
		Certificates: []tls.Certificate{*cert}, SessionTicketsDisabled: true,
	}, nil
}

// choose takes the certificate of the domain the client asks for, one that it can use if there
// is.
func (c *credentials) choose(hello *tls.ClientHelloInfo) (name string, best *identity) {
	asked := domain(hello.ServerName)
	for _, n := range c.names {
		i := c.store.identity(n)
		switch {
		case i == nil:
		case !i.awaited() && hello.SupportsCertificate(&i.cert) == nil:
			return n, i
		case best == nil || slices.Contains(i.names, asked) && !slices.Contains(best.names, asked):
			name, best = n, i
		}
	}
	return name, best
}

// config is for who connects and asked for i.
func (i *identity) config() *tls.Config {
	cfg := &tls.Config{
		MinVersion:       tls.VersionTLS12,
		Certificates:     []tls.Certificate{i.cert},
		VerifyConnection: i.client,

		DynamicRecordSizingDisabled: true, // half a message is of no use to anybody
	}
	if i.mode != None {
		cfg.ClientAuth, cfg.ClientCAs = tls.RequestClientCert, i.roots
	}
	return cfg
}

// Client implements transport.Credentials.
func (c *credentials) Client(name sip.HostName, remote netip.Addr) *tls.Config {
	i := c.store.identity(c.names[0])
	if i == nil { // the listener is about to be closed
		return &tls.Config{
			MinVersion: tls.VersionTLS12, InsecureSkipVerify: true,
			VerifyConnection: func(tls.ConnectionState) error { return errNoCredentials },
		}
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: name.String(),
		// The names of SIP are not those of the web: VerifyConnection does it all.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			return i.server(state, name, remote)
		},
		DynamicRecordSizingDisabled: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &i.cert, nil
		},
		ClientSessionCache: c.sessions,
	}
}
