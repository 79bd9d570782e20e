package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"text/template"

	"sipedge/examples/bench/peers"
	"sipedge/examples/bench/scrape"
	"sipedge/sip"
)

//go:embed sipedge.yaml
var policy string

// server is one that is attacked.
type server struct {
	*peers.Server
	dir             string
	tcp, tls, admin netip.AddrPort
}

// start starts one.
func (p *plan) start() (*server, error) {
	var s server
	var err error
	for _, a := range []*netip.AddrPort{&s.tcp, &s.tls, &s.admin} {
		if *a, err = peers.FreePort(); err != nil {
			return nil, err
		}
	}
	if s.dir, err = os.MkdirTemp(p.dir, "server-"); err != nil {
		return nil, err
	}
	t, err := template.New("policy").Parse(policy)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = t.Execute(&text, map[string]any{
		"TCP": s.tcp, "TLS": s.tls, "Admin": s.admin,
		"Cert": p.certificates.Cert, "Key": p.certificates.Key, "CA": p.certificates.CA,
	})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(s.dir, "sipedge.yaml")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		return nil, err
	}
	cmd := peers.Pinned(p.cpu, p.sipedge, "serve", "--drain", "100ms", "--config", file)
	if s.Server, err = peers.Run(cmd, s.tcp, filepath.Join(s.dir, "output")); err != nil {
		return nil, fmt.Errorf("sipedge: %w", err)
	}
	return &s, nil
}

// listener is where it listens for a transport.
func (s *server) listener(t sip.Transport) netip.AddrPort {
	if t == sip.TLS {
		return s.tls
	}
	return s.tcp
}

// metrics are its own.
func (s *server) metrics() (scrape.Metrics, error) {
	return scrape.Get("http://" + s.admin.String() + "/metrics")
}
