package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"sipedge/examples/bench/peers"
	"sipedge/sip"
)

// The generator of the benchmark calls over TCP and TLS, through sipedge and Kamailio with the
// same routing.
func TestLoadStreams(t *testing.T) {
	needs(t, "taskset")
	load := buildLoad(t)
	for _, kind := range []peers.Kind{{}, {Children: 2, Async: true}} {
		for _, transport := range []sip.Transport{sip.TCP, sip.TLS} {
			t.Run(kind.String()+" "+transport.String(), func(t *testing.T) {
				t.Parallel()
				testLoad(t, load, kind, transport)
			})
		}
	}
}

// buildLoad is the generator.
func buildLoad(t *testing.T) string {
	t.Helper()
	load := filepath.Join(t.TempDir(), "load")
	build := exec.Command("go", "build", "-o", load, "../../examples/bench/load")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return load
}

func testLoad(t *testing.T, load string, kind peers.Kind, transport sip.Transport) {
	w := peers.World{Dir: t.TempDir(), Sipedge: "sipedge", Connections: 100}
	var err error
	if w.Certificates, err = peers.NewCertificates(w.Dir); err != nil {
		t.Fatal(err)
	}
	if kind.Children > 0 {
		needs(t, "kamailio")
		modules, _ := filepath.Glob("/usr/lib/*/kamailio/modules/tls.so")
		if len(modules) == 0 && transport == sip.TLS {
			needs(t, "kamailio-tls-modules") // no program: it is said to be missing
		}
		if w.Kamailio, err = peers.Program("kamailio"); err != nil {
			t.Fatal(err)
		}
	}
	s, err := w.Start(kind, transport)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
	cmd := exec.Command(load, "-transport", transport.String(), "-proxy", s.Addr.String(),
		"-callee", "127.0.0.1:0", "-connections", "2", "-load", "40/500ms", "-json",
		"-cert", w.Certificates.Cert, "-key", w.Certificates.Key, "-ca", w.Certificates.CA,
		"-pid", strconv.Itoa(s.PID))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var phases []struct {
		Offered, Completed, Resent int
		CPU                        float64 `json:"cpu_seconds"`
	}
	if err := json.Unmarshal(out, &phases); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(phases) != 1 {
		t.Fatalf("%d phases, want 1", len(phases))
	}
	p := phases[0]
	if p.Offered != 20 || p.Completed != 20 || p.Resent != 0 || p.CPU <= 0 {
		t.Errorf("%+v: want 20 calls completed, none of them by sending again, and their cost", p)
	}
}
