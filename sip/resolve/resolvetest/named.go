// Package resolvetest is the DNS of tests: BIND on the loopback. Its one law: what it started ends
// with the test.
package resolvetest

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sipedge/sip/transport/porttest"
)

// startTime is how long BIND may take to read its zone, on a busy machine.
const startTime = 30 * time.Second

// Named runs BIND, as the primary of the zone example. whose records are given after its SOA and
// NS records, until the test ends. Where it is missing the test is skipped, or fails under
// SIPEDGE_REQUIRE_REAL=1.
func Named(t *testing.T, records string) netip.AddrPort {
	t.Helper()
	program, err := exec.LookPath("named")
	if err != nil {
		if os.Getenv("SIPEDGE_REQUIRE_REAL") == "1" {
			t.Fatal("named is missing: make deps")
		}
		t.Skip("named is missing: make deps")
	}
	at := porttest.Free(t)
	dir := t.TempDir()
	conf := filepath.Join(dir, "named.conf")
	write(t, filepath.Join(dir, "zone"), `$ORIGIN example.
$TTL 300
@ IN SOA ns admin 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
`+records)
	write(t, conf, fmt.Sprintf(`options {
	directory %q; pid-file none; session-keyfile none; recursion no; minimal-responses yes;
	listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; dnssec-validation no;
	max-udp-size 1232;
};
controls {};
zone "example" { type primary; file "zone"; };
`, dir, at.Port()))
	cmd := exec.Command(program, "-g", "-n", "1", "-c", conf)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	runs, ended := make(chan struct{}), make(chan string)
	go func() { ended <- readLog(bufio.NewScanner(log), runs) }()
	var lines string
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		if lines == "" {
			lines = <-ended
		}
		_ = cmd.Wait() // that it was killed
		if t.Failed() || strings.Contains(lines, "not loaded") {
			t.Error(lines)
		}
	})
	select {
	case <-runs:
	case lines = <-ended:
		t.Fatal("named ended")
	case <-time.After(startTime):
		t.Fatal("named does not begin")
	}
	return at
}

// readLog returns what BIND wrote until it ended. runs is closed when it answers.
func readLog(s *bufio.Scanner, runs chan struct{}) string {
	var all strings.Builder
	for s.Scan() {
		fmt.Fprintln(&all, s.Text())
		if strings.HasSuffix(s.Text(), " running") {
			close(runs)
		}
	}
	return all.String()
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
