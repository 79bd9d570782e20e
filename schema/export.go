package schema

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"sipedge/schema/internal/shape"
	"sipedge/schema/internal/source"
)

// Module is what the packages of this program are imported from: Module/schema, Module/policies/….
// CUE takes a path without a dot for a package of its own.
const Module = source.Module

// ModuleFile is the file that makes a folder a CUE module; NewModule is its content where a
// folder is none yet.
const (
	ModuleFile = source.ModuleFile
	NewModule  = source.NewModule
)

// PackageFile is where CUE looks for a file of Packages, below the folder of a module.
func PackageFile(name string) string { return source.PackageFile(name) }

// Packages are the CUE packages a policy may import: `schema`, the language with this vocabulary,
// and those under `policies`. Names are relative to Module: "schema/policy.cue".
func (v *Vocabulary) Packages() (map[string][]byte, error) {
	out := map[string][]byte{
		"schema/policy.cue":     []byte(policyCUE),
		"schema/vocabulary.cue": []byte("package schema\n" + v.fragments()),
	}
	if v.Policies == nil {
		return out, nil
	}
	err := fs.WalkDir(v.Policies, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".cue" {
			return err
		}
		out["policies/"+name], err = fs.ReadFile(v.Policies, name)
		return err
	})
	return out, err
}

// JSONSchema is the schema for editors of YAML: JSON Schema, draft 7.
func (v *Vocabulary) JSONSchema() ([]byte, error) {
	v.compile()
	out, err := shape.JSON(v.root, "sipedge policy", "A routing policy of sipedge.")
	if err != nil {
		return nil, fmt.Errorf("schema as JSON: %w", err)
	}
	return out, nil
}

// fragments are the definitions that are put together from the vocabulary.
func (v *Vocabulary) fragments() string {
	var b strings.Builder
	b.WriteString("\n// #Step is one action: a map with exactly one key.\n#Step: {\n")
	for i := range v.Actions {
		k := &v.Actions[i]
		entry(&b, k.Name, k.Doc, k.Schema)
	}
	b.WriteString("} @one(\"action\") @says(\"a step\")\n")
	b.WriteString("\n// #Match is a set of matchers, all of which must hold.\n#Match: {\n")
	for i := range v.Fields {
		if f := &v.Fields[i]; nesting[f.Name] == "" {
			entry(&b, f.Name, f.Doc, f.Schema)
		}
	}
	entry(&b, "all", "All of these sets of matchers hold.", nesting["all"])
	entry(&b, "any", "At least one of these sets of matchers holds.", nesting["any"])
	entry(&b, "not", "This set of matchers does not hold as a whole.", nesting["not"])
	b.WriteString("} @key(\"matcher\") @says(\"a map of matchers\")\n")
	b.WriteString("\n// #Backend is a service that keeps data: a driver with its settings.\n")
	b.WriteString("#Backend: {\n")
	for i := range v.Backends {
		d := &v.Backends[i]
		entry(&b, d.Name, d.Doc, d.Schema)
	}
	b.WriteString("} @one(\"driver\") @says(\"a backend\")\n")
	return b.String()
}
