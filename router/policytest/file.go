package policytest

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sipedge/router/rates"
	"sipedge/router/scene"
	"sipedge/schema"
)

// File is a file of tests with the policy they are about.
type File struct {
	Path   string
	Policy string // its path
	Cases  []Case

	src     schema.Source
	doc     *schema.Document
	rules   []string      // ruleNames
	root    *schema.Value // as written
	outside scene.Outside
	shared  *scene.World // between cases that leave nothing behind
}

// Files finds the test files of paths: a file as it is, of a folder and those
// below it every *.test.yaml. It is an error when there is none.
func Files(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		err = filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && p != path && strings.HasPrefix(d.Name(), "."):
				return filepath.SkipDir
			case !d.IsDir() && schema.IsTest(p):
				files = append(files, p)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// Load reads a file of tests and its policy, in the words of v. The File is nil when there are
// errors; err is only for what could not be read.
func Load(path string, v *schema.Vocabulary) (*File, schema.Source, schema.Diagnostics, error) {
	root, src, diags, err := form.Load(path)
	if err != nil || diags.HasErrors() {
		return nil, src, diags, err
	}
	if !root.Has("tests") {
		d := root.Problem(schema.MissingField, `a test file needs "tests"`)
		return nil, src, schema.Diagnostics{d}, nil
	}
	f := &File{Path: path, src: src}
	f.Policy = policyOf(path, root.Get("policy").S)
	doc, policySrc, diags, err := schema.Load(f.Policy, v)
	if err != nil {
		return nil, src, diags, err
	}
	for name, text := range policySrc {
		src[name] = text
	}
	if doc == nil {
		return nil, src, diags, nil
	}
	f.doc, f.rules = doc, ruleNames(doc)
	diags = slices.DeleteFunc(diags, func(d schema.Diagnostic) bool {
		return d.Severity == schema.Warning // they are validate's to tell
	})
	diags = append(diags, f.lower(&root)...)
	if diags.HasErrors() {
		return nil, src, diags.Sorted(), nil
	}
	f.doc = withTables(doc, root.Get("tables"))
	return f, src, diags, nil
}

// policyOf is the policy a test file is about.
func policyOf(path, named string) string {
	dir := filepath.Dir(path)
	if named != "" {
		if filepath.IsAbs(named) {
			return named
		}
		return filepath.Join(dir, named)
	}
	base := strings.TrimSuffix(path, schema.TestSuffix)
	for _, ext := range []string{".yaml", ".yml", ".cue"} {
		if info, err := os.Stat(base + ext); err == nil && !info.IsDir() && base+ext != path {
			return base + ext
		}
	}
	return dir
}

// lowerShared reads what all cases of a checked file have around them, and checks what a form
// cannot.
func (f *File) lowerShared(root *schema.Value) (diags schema.Diagnostics) {
	f.root, f.outside.Hosts = root, scene.NewHosts()
	for _, k := range root.Get("hosts").Keys {
		a, _ := netip.ParseAddr(k.S)
		if k.S != "none" && !a.IsValid() {
			diags = append(diags, k.Value.Problem(schema.BadTest, "%q is not an IP address", k.S))
			continue
		}
		f.outside.Hosts.Say(k.Name, a)
	}
	diags = append(diags, f.checkTables(root.Get("tables"))...)
	return append(diags, f.stubs(&f.outside, &schema.Value{})...)
}

// lower reads the cases out of a checked file.
func (f *File) lower(root *schema.Value) (diags schema.Diagnostics) {
	diags = f.lowerShared(root)
	names := map[string]schema.Pos{}
	for i := range root.Get("tests").Items {
		v := &root.Get("tests").Items[i]
		name := v.Get("name")
		if first, twice := names[name.S]; twice {
			diags = append(diags, name.Problem(schema.DuplicateName,
				"a test %q stands in line %d already", name.S, first.Line))
		}
		names[name.S] = name.Pos
		c, more := f.lowerCase(v, root.Get("given"))
		diags = append(diags, more...)
		f.Cases = append(f.Cases, c)
	}
	return diags
}

// checkTables checks that tables named are the policy's and rows are rows.
func (f *File) checkTables(v *schema.Value) (diags schema.Diagnostics) {
	var known []string
	for _, t := range f.doc.Tables {
		known = append(known, t.Name)
	}
	for i := range v.Keys {
		k := &v.Keys[i]
		at := slices.Index(known, k.Name)
		if at < 0 {
			diags = append(diags, k.Problem(schema.UnknownTable, "the policy has no table %q%s",
				k.Name, schema.Meant(k.Name, known)))
			continue
		}
		var more schema.Diagnostics
		switch t := &f.doc.Tables[at]; t.Kind {
		case "lcr": // its rows name sets of gateways
			_, more = rates.ReadValues(&k.Value, t.Gateways)
		case "address":
			more = checkAddresses(&k.Value)
		default:
			_, more = schema.Rows(&k.Value)
		}
		diags = append(diags, more...)
	}
	return diags
}

// checkAddresses checks that rows of a table of addresses are maps of its columns.
func checkAddresses(v *schema.Value) (diags schema.Diagnostics) {
	v.Each(func(row *schema.Value) {
		if row.Get("ip").Kind != schema.String {
			diags = append(diags, row.Problem(schema.WrongType, "a row of addresses has an ip"))
		}
		for i := range row.Keys {
			k := &row.Keys[i]
			if !slices.Contains(schema.AddressColumns, k.Name) {
				diags = append(diags, k.Problem(schema.UnknownKey, "%q is no column of addresses%s",
					k.Name, schema.Meant(k.Name, schema.AddressColumns)))
			}
		}
	})
	return diags
}
