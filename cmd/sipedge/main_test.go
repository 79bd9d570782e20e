package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain puts a `sipedge` on PATH that is this test binary running main.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sipedge": main})
}

// TestScripts runs every command as its user would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("SIPEDGE_UPDATE") == "1",
		Setup: func(e *testscript.Env) error {
			e.Setenv("NO_COLOR", "1")
			return nil
		},
	})
}

// needs skips a test, or fails it under SIPEDGE_REQUIRE_REAL=1, when a program is missing.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	var missing []string
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return
	}
	if os.Getenv("SIPEDGE_REQUIRE_REAL") == "1" {
		t.Fatalf("missing: %s (make deps)", strings.Join(missing, ", "))
	}
	t.Skipf("missing: %s (make deps)", strings.Join(missing, ", "))
}

// soaking says whether this is the long run.
func soaking() bool { return os.Getenv("SIPEDGE_SOAK") == "1" }
