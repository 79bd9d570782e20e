package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The tests beside the examples pass, and reach every rule and arm.
func TestExamplesTested(t *testing.T) {
	var stderr bytes.Buffer
	cmd := exec.Command("sipedge", "test", "--cover", "-o", "json", "../../examples")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, stderr.String())
	}
	var got struct {
		Tests    []struct{ OK bool }
		Coverage []struct {
			Policy string
			Rules  []struct {
				Route, Rule, Pos string
				Hits             int
				Arms             []struct {
					Action, Arm string
					Hits        int
				}
			}
		}
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Tests) < 110 || len(got.Coverage) < 17 {
		t.Errorf("%d tests of %d policies: some are missing", len(got.Tests), len(got.Coverage))
	}
	for _, c := range got.Coverage {
		for _, r := range c.Rules {
			if r.Hits == 0 {
				t.Errorf("%s: no test reaches %s of %s", r.Pos, r.Rule, r.Route)
			}
			for _, a := range r.Arms {
				if a.Hits == 0 {
					t.Errorf("%s: no test takes %s of %s", r.Pos, a.Arm, a.Action)
				}
			}
		}
	}
}

// The idioms are valid, without a warning, and all are in the list.
func TestIdiomsValidate(t *testing.T) {
	files, err := filepath.Glob("../../examples/idioms/*.yaml")
	if err != nil || len(files) < 28 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	list, err := os.ReadFile("../../examples/idioms/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".test.yaml") {
			continue
		}
		if !strings.Contains(string(list), "("+filepath.Base(file)+")") {
			t.Errorf("%s: not in the list", file)
		}
		out, err := exec.Command("sipedge", "validate", "--strict", file).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}
