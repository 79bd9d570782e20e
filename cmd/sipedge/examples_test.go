package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The examples as they stand in the tree are valid.
func TestExamplesValidate(t *testing.T) {
	for _, name := range []string{"01-hello", "02-failover", "03-registrar", "04-multi-domain",
		"05-postgres", "06-trunk-failover", "07-edge-tls-websocket",
		"08-two-networks", "09-nat-media", "10-lcr", "11-webrtc"} {
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

// Every target of the benchmark has a policy of its own for every workload it takes.
func TestBenchPolicies(t *testing.T) {
	template, err := os.ReadFile("../../examples/bench/sipedge.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	numbers := "prefix,uri\n49,sip:127.0.0.1:16060\n"
	if err := os.WriteFile(filepath.Join(dir, "rules.csv"), []byte(numbers), 0o600); err != nil {
		t.Fatal(err)
	}
	values := strings.NewReplacer("${PORT}", "15080", "${UAS_PORT}", "16060", "${WORKDIR}", dir)
	seen := map[string]string{}
	for name, target := range benchTargets(t) {
		for _, workload := range target.Workloads {
			policy := values.Replace(benchPick(string(template), workload, target.Vars))
			if other := seen[policy]; other != "" {
				t.Errorf("%s %s has the policy of %s", name, workload, other)
			}
			seen[policy] = name + " " + workload
			path := filepath.Join(dir, "sipedge.yaml")
			if err := os.WriteFile(path, []byte(policy), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("sipedge", "validate", path).CombinedOutput(); err != nil {
				t.Errorf("%s %s: %v\n%s\n%s", name, workload, err, out, policy)
			}
		}
	}
}

type benchTarget struct {
	Name      string
	Vars      map[string]string
	Workloads []string
	Variants  map[string]benchTarget
}

// benchTargets reads what the harness is told of sipedge: a target and variants of it.
func benchTargets(t *testing.T) map[string]benchTarget {
	text, err := os.ReadFile("../../examples/bench/target.json")
	if err != nil {
		t.Fatal(err)
	}
	var base benchTarget
	if err := json.Unmarshal(text, &base); err != nil {
		t.Fatal(err)
	}
	targets := map[string]benchTarget{base.Name: base}
	for name, v := range base.Variants {
		vars := maps.Clone(base.Vars)
		maps.Copy(vars, v.Vars)
		v.Vars = vars
		if v.Workloads == nil {
			v.Workloads = base.Workloads
		}
		targets[name] = v
	}
	return targets
}

// benchPick keeps the lines of one workload, as the harness does: those after "#@if a b&x=1" stay
// for workload a, and for b if the variable X is 1.
func benchPick(template, workload string, vars map[string]string) string {
	flags := []string{workload}
	for name, value := range vars {
		flags = append(flags, strings.ToLower(name)+"="+value)
	}
	var kept strings.Builder
	keep := true
	for l := range strings.Lines(template) {
		conditions, begins := strings.CutPrefix(strings.TrimSpace(l), "#@if ")
		switch {
		case begins:
			keep = slices.ContainsFunc(strings.Fields(conditions), func(c string) bool {
				return !slices.ContainsFunc(strings.Split(c, "&"), func(part string) bool {
					return !slices.Contains(flags, part)
				})
			})
		case strings.TrimSpace(l) == "#@end":
			keep = true
		case keep:
			kept.WriteString(l)
		}
	}
	return kept.String()
}
