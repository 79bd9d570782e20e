package schema

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"sipedge/schema/internal/refine"
	"sipedge/schema/internal/shape"
	"sipedge/schema/internal/source"
)

// Load reads a policy: a file, or every *.yaml, *.yml and *.cue of a directory
// (*.test.yaml excepted), merged; checks it against the schema and the
// vocabulary, resolves names and route legality. The Document is nil when there
// are errors. err is only for what could not be read (exit code 3); a mistake
// in a policy is a diagnostic.
func Load(path string, v *Vocabulary) (*Document, Source, Diagnostics, error) {
	files, err := policyFiles(path)
	if err != nil {
		return nil, nil, nil, err
	}
	src := Source{}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return nil, nil, nil, err
		}
		if info.Size() > source.MaxFile {
			return nil, src, Diagnostics{tooLarge(file)}, nil
		}
		if src[file], err = os.ReadFile(file); err != nil {
			return nil, nil, nil, err
		}
	}
	doc, diags := readAll(files, src, v)
	return doc, src, diags, nil
}

// LoadBytes is Load of one file's content; name decides between YAML and CUE.
// A CUE file may import the standard packages only.
func LoadBytes(name string, src []byte, v *Vocabulary) (*Document, Source, Diagnostics) {
	if len(src) > source.MaxFile {
		return nil, nil, Diagnostics{tooLarge(name)}
	}
	files := Source{name: src}
	var root Value
	var diags Diagnostics
	if source.IsCUE(name) {
		root, diags = source.ReadCUE(name, src)
	} else {
		root, diags = source.ReadYAML(name, src)
	}
	doc, diags := finish([]string{name}, &root, diags, v)
	return doc, files, diags
}

func tooLarge(file string) Diagnostic {
	return Diagnostic{Pos: Pos{File: file, Line: 1, Col: 1}, Code: TooLarge,
		Message: fmt.Sprintf("larger than %d MiB; large data belongs in a table", source.MaxFile>>20)}
}

// readAll reads the files and merges them: YAML each for itself, CUE as one
// package.
func readAll(files []string, src Source, v *Vocabulary) (*Document, Diagnostics) {
	var root Value
	var diags Diagnostics
	var cues []string
	var whole []Value // policies by themselves
	for _, file := range files {
		if source.IsCUE(file) {
			cues = append(cues, file)
			continue
		}
		part, d := source.ReadYAML(file, src[file])
		if isWhole(&part) {
			whole = append(whole, part)
		}
		diags = append(diags, d...)
		diags = append(diags, source.Merge(&root, part)...)
	}
	if len(cues) > 0 {
		part, d := readCUE(cues, src, v)
		if len(d) > 0 && len(cues) > 1 { // parts of a package may be whole, as long as they agree
			for _, file := range cues {
				if alone, d := readCUE([]string{file}, src, v); len(d) == 0 && isWhole(&alone) {
					whole = append(whole, alone)
				}
			}
		} else if isWhole(&part) {
			whole = append(whole, part)
		}
		diags = append(diags, d...)
		diags = append(diags, source.Merge(&root, part)...)
	}
	if len(whole) > 1 {
		return nil, Diagnostics{several(&whole[0], &whole[1])}
	}
	return finish(files, &root, diags, v)
}

func readCUE(files []string, src Source, v *Vocabulary) (Value, Diagnostics) {
	return source.ReadCUEFiles(filepath.Dir(files[0]), files, src, v.Packages)
}

// isWhole reports whether what files say is a policy, and not a part of one.
func isWhole(part *Value) bool {
	return part.Has("version") && part.Get("routes").Has("request")
}

// several reports that a folder holds policies, and not the parts of one.
func several(first, second *Value) Diagnostic {
	at := second.Get("version")
	d := at.Problem(Several, "%s and %s are two policies, and a folder is one",
		filepath.Base(first.Get("version").Pos.File), filepath.Base(at.Pos.File))
	d.Hint = "name each file by itself, or give each policy a folder of its own"
	return d
}

// finish checks what was read and makes the Document of it. What depends on a
// sound policy is not looked at in an unsound one: one mistake would be told
// many times.
func finish(files []string, root *Value, diags Diagnostics, v *Vocabulary) (
	*Document, Diagnostics) {
	v.compile()
	if diags.HasErrors() {
		return nil, diags.Sorted()
	}
	names := refine.NewNames(root, v.root, len(v.Backends) > 0)
	diags = append(diags, checkShape(root, v, names)...)
	if diags.HasErrors() {
		return nil, diags.Sorted()
	}
	doc := lower(root, v.Backends)
	doc.Files = files
	diags = append(diags, checkBuilt(root.Get("backends"), v.Backends)...)
	diags = append(diags, checkSettings(root, doc)...)
	diags = append(diags, checkRoutes(doc, v)...)
	diags = append(diags, names.Unused()...)
	if diags.HasErrors() {
		doc = nil
	}
	return doc, diags.Sorted()
}

// checkShape holds a policy against the schema.
func checkShape(root *Value, v *Vocabulary, names *refine.Names) Diagnostics {
	if root.Kind == None || root.Kind == Map && len(root.Keys) == 0 {
		d := root.Problem(Empty, "there is no policy in here")
		d.Pos.Line, d.Pos.Col = max(d.Pos.Line, 1), max(d.Pos.Col, 1)
		d.Hint = "begin with `version: 1`"
		return Diagnostics{d}
	}
	if i := slices.IndexFunc(root.Keys, func(k Key) bool { return k.Name == "tests" }); i >= 0 {
		d := root.Keys[i].Problem(UnknownKey, "there are tests of a policy in here")
		d.Hint = "`sipedge test` runs them, from a file of their own: *" + TestSuffix
		return Diagnostics{d}
	}
	if n := root.Get("version"); n.Kind == Int && n.N != 1 {
		return Diagnostics{n.Problem(WrongVersion, "version %d is not known; there is version 1", n.N)}
	}
	return shape.Check(root, v.root, shape.Options{
		Refine: refine.All(root.Get("methods"), names), Foreign: v.Foreign,
	})
}
