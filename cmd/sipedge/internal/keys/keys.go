// Package keys is what every key of a server derives from.
// Its one law: a key is nowhere but in the state folder, the policy's own place for it, and memory.
package keys

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sipedge/schema"
)

// keyFile holds the secret in the state folder: 64 hex digits and a newline.
const keyFile = "secret.key"

// Secret is what every key of a server derives from: of the policy, else kept in the state
// folder, else made for this run (kept is then false, and a restart ends the dialogs it knew).
func Secret(
	s schema.Secrets, state string, env func(string) (string, bool),
) (key [32]byte, kept bool, err error) {
	if s, err = s.Resolve(env, os.ReadFile); err != nil {
		return key, false, err
	}
	if s != (schema.Secrets{}) {
		return sha256.Sum256([]byte(s.RouteKey + "\x00" + s.TagKey)), true, nil
	}
	if state == "" {
		rand.Read(key[:])
		return key, false, nil
	}
	key, err = keptSecret(filepath.Join(state, keyFile))
	return key, err == nil, err
}

// Revealer returns what replaces references to secrets.
func Revealer(env func(string) (string, bool)) func(text string) (string, error) {
	return func(text string) (string, error) { return schema.Reveal(text, env, os.ReadFile) }
}

// keptSecret reads the file, and makes it when there is none.
func keptSecret(path string) (key [32]byte, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return key, fmt.Errorf("state folder: %w", err)
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		rand.Read(key[:])
		return key, writeNew(path, hex.EncodeToString(key[:])+"\n")
	}
	if err != nil {
		return key, fmt.Errorf("state: %w", err)
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(raw) != len(key) {
		return key, fmt.Errorf("state: %s is not a key of 64 hex digits", path)
	}
	return [32]byte(raw), nil
}

// writeNew never leaves half a key: it writes aside and renames.
func writeNew(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), keyFile+".*")
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}
