package keys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sipedge/schema"
)

func noEnv(string) (string, bool) { return "", false }

func TestSecretIsKept(t *testing.T) {
	state := filepath.Join(t.TempDir(), "deep", "state")
	first, kept, err := Secret(schema.Secrets{}, state, noEnv)
	if err != nil || !kept {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	second, _, err := Secret(schema.Secrets{}, state, noEnv)
	if err != nil || second != first {
		t.Errorf("the second start has another secret (error %v)", err)
	}
	info, err := os.Stat(filepath.Join(state, keyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: mode %v, error %v, want 0600", keyFile, info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(state, keyFile+".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSecretOfTheRun(t *testing.T) {
	a, kept, err := Secret(schema.Secrets{}, "", noEnv)
	b, _, _ := Secret(schema.Secrets{}, "", noEnv)
	if err != nil || kept || a == b {
		t.Errorf("two runs without a state folder: kept %v, equal %v, error %v", kept, a == b, err)
	}
}

func TestSecretOfThePolicy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) (string, bool) { return "from a file", name == "KEY" }
	get := func(route, tag string) [32]byte {
		t.Helper()
		key, kept, err := Secret(schema.Secrets{RouteKey: route, TagKey: tag}, "/nonexistent", env)
		if err != nil || !kept {
			t.Errorf("%q, %q: kept %v, error %v", route, tag, kept, err)
		}
		return key
	}
	plain := get("from a file", "")
	if get("${file:"+file+"}", "") != plain || get("${env.KEY}", "") != plain {
		t.Error("the same key from elsewhere is another")
	}
	if get("", "from a file") == plain || get("other", "") == plain {
		t.Error("other keys give the same secret")
	}
}

func TestSecretErrors(t *testing.T) {
	state := t.TempDir()
	for name, content := range map[string]string{
		"short": "abcd\n", "long": strings.Repeat("ab", 40), "empty": "", "no hex": "xyz",
	} {
		if err := os.WriteFile(filepath.Join(state, keyFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Secret(schema.Secrets{}, state, noEnv); err == nil {
			t.Errorf("%s key: no error", name)
		}
	}
	for _, key := range []string{"${env.MISSING}", "${file:/nonexistent/key}"} {
		_, _, err := Secret(schema.Secrets{RouteKey: key}, "", noEnv)
		if err == nil || !strings.HasPrefix(err.Error(), "secret "+key) {
			t.Errorf("%s: error %v", key, err)
		}
	}
}
