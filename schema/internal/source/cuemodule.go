package source

import (
	"bytes"
	"os"
	"path/filepath"

	"cuelang.org/go/cue/load"
)

// Module is what the program's own CUE packages are imported from.
const Module = "sipedge.local"

// ModuleFile makes a folder a module.
const ModuleFile = "cue.mod/module.cue"

// NewModule is the module file of a folder that has none.
const NewModule = "module: \"policy.local@v0\"\nlanguage: version: \"v0.9.0\"\n"

// PackageFile is where CUE looks for a package's file, below the folder of a
// module.
func PackageFile(name string) string {
	return filepath.Join("cue.mod", "pkg", Module, filepath.FromSlash(name))
}

// importsModule reports whether the files may import packages of Module, or
// import others that do.
func importsModule(files []string, src Files) bool {
	for _, file := range files {
		if bytes.Contains(src[file], []byte("import")) {
			return true
		}
	}
	return false
}

// overlayModule lays the packages over the module dir is in, or makes dir one.
func overlayModule(overlay map[string]load.Source, dir string,
	packages func() (map[string][]byte, error)) error {
	all, err := packages()
	if err != nil {
		return err
	}
	root, found := moduleRoot(dir)
	if !found {
		root = dir
		overlay[filepath.Join(dir, ModuleFile)] = load.FromString(NewModule)
	}
	for name, content := range all {
		overlay[filepath.Join(root, PackageFile(name))] = load.FromBytes(content)
	}
	return nil
}

// moduleRoot is the folder at or above dir that is a module.
func moduleRoot(dir string) (string, bool) {
	for {
		if _, err := os.Stat(filepath.Join(dir, ModuleFile)); err == nil {
			return dir, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
