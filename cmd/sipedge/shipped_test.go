package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every shipped package has a README that names it, tests that pass and reach every rule it
// brings, and an example that is valid and laid out.
func TestShippedPolicies(t *testing.T) {
	packages, err := filepath.Glob("../../policies/*/*.cue")
	if err != nil || len(packages) < 3 {
		t.Fatalf("%d packages, %v", len(packages), err)
	}
	for _, file := range packages {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
			if err != nil || !strings.Contains(string(readme), "sipedge.local/policies/") {
				t.Errorf("README.md does not show how to import it (%v)", err)
			}
			for _, args := range [][]string{
				{"validate", "--strict", filepath.Join(dir, "example")},
				{"fmt", "--check", dir},
				{"fmt", "--check", filepath.Join(dir, "example")},
				{"test", "--cover", dir},
			} {
				out, err := exec.Command("sipedge", args...).CombinedOutput()
				if err != nil {
					t.Errorf("sipedge %s: %v\n%s", strings.Join(args, " "), err, out)
				}
				for line := range strings.Lines(string(out)) {
					if strings.Contains(line, "never reached") && !ofPrelude(line) {
						t.Error(line)
					}
				}
			}
		})
	}
}

// ofPrelude tells rules of package core, which its own tests reach.
func ofPrelude(line string) bool {
	for _, rule := range []string{
		"ping", "within a call", "cancel of nothing", "ACK of nothing", "no call of ours",
	} {
		if strings.HasSuffix(strings.TrimSpace(line), "rule "+rule) {
			return true
		}
	}
	return false
}
