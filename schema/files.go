package schema

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// TestSuffix is what the name of a file ends with that has tests of a policy.
const TestSuffix = ".test.yaml"

// IsTest reports whether a file has tests of a policy, by its name.
func IsTest(path string) bool { return strings.HasSuffix(path, TestSuffix) }

// Files are the files that a path stands for, sorted: itself, or every *.yaml, *.yml and *.cue of
// a folder, tests included. It is an error when there is none.
func Files(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		ext := strings.ToLower(filepath.Ext(e.Name()))
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") &&
			slices.Contains([]string{".yaml", ".yml", ".cue"}, ext) {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("read %s: no *.yaml, *.yml or *.cue in this folder", path)
	}
	return files, nil
}

// policyFiles are the files of a policy, sorted: those of a folder that are no tests.
func policyFiles(path string) ([]string, error) {
	files, err := Files(path)
	if err != nil || len(files) == 1 && files[0] == path {
		return files, err
	}
	if files = slices.DeleteFunc(files, IsTest); len(files) == 0 {
		return nil, fmt.Errorf("read %s: tests, *%s, and no policy in this folder", path, TestSuffix)
	}
	return files, nil
}
