package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The examples as they stand in the tree are valid.
func TestExamplesValidate(t *testing.T) {
	for _, name := range []string{"01-hello", "02-failover"} {
		out, err := exec.Command("sipedge", "validate", "../../examples/"+name).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// Two phones set up and end a call through 01-hello.
func TestHelloPhones(t *testing.T) {
	phones := filepath.Join(t.TempDir(), "phones")
	build := exec.Command("go", "build", "-o", phones, "../../examples/01-hello/phones")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := startServer(t, movedExample(t, "01-hello"))
	out, err := exec.Command(phones, "-proxy", s.addr("udp", false).String()).CombinedOutput()
	if err != nil {
		t.Fatalf("phones: %v\n%s", err, out)
	}
	t.Logf("\n%s", out)
	for _, want := range []string{"INVITE", "180 Ringing", "200 OK", "ACK", "BYE"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the ladder has no %s", want)
		}
	}
	if n := s.metric("sipedge_proxy_relayed_total"); n != 2 {
		t.Errorf("the proxy relayed %v requests with state, want INVITE and BYE", n)
	}
}

// Without a proxy the phones say so.
func TestHelloPhonesAlone(t *testing.T) {
	nobody := startSilent(t)
	run := exec.Command("go", "run", "../../examples/01-hello/phones",
		"-proxy", nobody.addr.String(), "-patience", "300ms")
	out, err := run.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is a proxy at "+nobody.addr.String()) {
		t.Errorf("phones without a proxy: %v\n%s", err, out)
	}
}

// sipsak asks 01-hello whether it is there. It leaves the port out of the Request-URI.
func TestHelloSipsak(t *testing.T) {
	needs(t, "sipsak")
	s := startServer(t, movedExample(t, "01-hello")+"domains: [127.0.0.1]\n")
	port := strconv.Itoa(int(s.addr("udp", false).Port()))
	out, err := exec.Command("sipsak", "-vv", "-r", port, "-s", "sip:edge@127.0.0.1").
		CombinedOutput()
	if err != nil || !strings.Contains(string(out), "SIP/2.0 200 OK") {
		t.Errorf("sipsak: %v\n%s", err, out)
	}
}

// Every workload of the benchmark has a valid policy.
func TestBenchPolicies(t *testing.T) {
	template, err := os.ReadFile("../../examples/bench/sipedge.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, workload := range []string{"reply", "forward", "call"} {
		path := filepath.Join(t.TempDir(), workload+".yaml")
		policy := strings.NewReplacer("${PORT}", "15080", "${UAS_PORT}", "16060").
			Replace(benchPick(string(template), workload))
		if err := os.WriteFile(path, []byte(policy), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("sipedge", "validate", path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s\n%s", workload, err, out, policy)
		}
	}
}

// benchPick keeps the lines of one workload, as the harness does.
func benchPick(template, workload string) string {
	var kept strings.Builder
	keep := true
	for l := range strings.Lines(template) {
		names, begins := strings.CutPrefix(strings.TrimSpace(l), "#@if ")
		switch {
		case begins:
			keep = strings.Contains(" "+names+" ", " "+workload+" ")
		case strings.TrimSpace(l) == "#@end":
			keep = true
		case keep:
			kept.WriteString(l)
		}
	}
	return kept.String()
}
