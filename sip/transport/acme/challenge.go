package acme

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// Challenge is what proves by TLS-ALPN-01 that a name, in lower case, is ours; nil: nobody was
// asked to prove it. Whoever listens for TLS shows it to a client that offers acme-tls/1 alone,
// and says nothing more.
func (m *Manager) Challenge(name string) *tls.Certificate {
	c, ok := m.proofs.Load(name)
	if !ok {
		return nil
	}
	return c.(*tls.Certificate)
}

// byTLS implements acmez.Solver for TLS-ALPN-01.
type byTLS struct{ proofs *sync.Map }

func (s *byTLS) Present(_ context.Context, c acme.Challenge) error {
	cert, err := acmez.TLSALPN01ChallengeCert(c)
	if err != nil {
		return err
	}
	s.proofs.Store(c.Identifier.Value, cert)
	return nil
}

func (s *byTLS) CleanUp(_ context.Context, c acme.Challenge) error {
	s.proofs.Delete(c.Identifier.Value)
	return nil
}

// reading is how long who asks for a proof may take to ask.
const reading = 5 * time.Second

// byHTTP implements acmez.Solver for HTTP-01, RFC 8555 §8.3. It listens while a challenge waits to
// be answered; several take turns.
type byHTTP struct {
	address string
	turn    chan struct{}
	server  *http.Server // nil: it does not listen
	ended   chan struct{}
}

func (s *byHTTP) Present(ctx context.Context, c acme.Challenge) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		<-s.turn
		return fmt.Errorf("HTTP-01: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+c.HTTP01ResourcePath(), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, c.KeyAuthorization) // who went away needs none
	})
	s.server = &http.Server{Handler: mux, ReadTimeout: reading, WriteTimeout: reading}
	s.ended = make(chan struct{})
	go func() {
		defer close(s.ended)
		_ = s.server.Serve(l) // until CleanUp
	}()
	return nil
}

func (s *byHTTP) CleanUp(context.Context, acme.Challenge) error {
	if s.server == nil {
		return nil
	}
	err := s.server.Close()
	<-s.ended
	s.server = nil
	<-s.turn
	return err
}
