package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestBroken runs `sipedge validate` on the broken policies of package schema, with the
// vocabulary of the program: each mistake is told once, in the same words, with exit code 1.
func TestBroken(t *testing.T) {
	files, err := filepath.Glob("../../schema/testdata/broken/*.txtar")
	if err != nil || len(files) < 150 {
		t.Fatalf("%d archives, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir, path, want := t.TempDir(), ".", ""
			for _, f := range ar.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				path = f.Name
				if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if len(ar.Files) > 2 {
				path = "."
			}
			cmd := exec.Command("sipedge", "validate", path)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "NO_COLOR=1")
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			var exit *exec.ExitError
			if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("want exit code 1, got %v", err)
			}
			if diff := cmp.Diff(want, stderr.String()); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
			if stdout.Len() > 0 {
				t.Errorf("on standard output: %s", stdout.String())
			}
		})
	}
}
