package policytest

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sipedge/router"
	"sipedge/schema"
)

// File is a file of tests with the policy they are about.
type File struct {
	Path   string
	Policy string // its path
	Cases  []Case

	src    schema.Source
	doc    *schema.Document
	hosts  hosts
	tables *schema.Value
	shared *world // between cases that leave nothing behind
}

// Case is one test.
type Case struct {
	Name     string
	Pos      schema.Pos
	Message  Message
	Origin   Origin
	Branches []Branch
	Flow     string
	Time     time.Time // zero: whenever

	value  *schema.Value // as written
	expect *schema.Value
	source *schema.Value // where to tell what is wrong with the origin
	tables *schema.Value
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
			case !d.IsDir() && strings.HasSuffix(p, ".test.yaml"):
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

// Load reads a file of tests and its policy. The File is nil when there are
// errors; err is only for what could not be read.
func Load(path string) (*File, schema.Source, schema.Diagnostics, error) {
	root, src, diags, err := form.Load(path)
	if err != nil || diags.HasErrors() {
		return nil, src, diags, err
	}
	f := &File{Path: path, src: src, hosts: newHosts(), tables: root.Get("tables")}
	f.Policy = policyOf(path, root.Get("policy").S)
	doc, policySrc, diags, err := schema.Load(f.Policy, router.Vocabulary())
	if err != nil {
		return nil, src, diags, err
	}
	for name, text := range policySrc {
		src[name] = text
	}
	if doc == nil {
		return nil, src, diags, nil
	}
	f.doc = doc
	diags = slices.DeleteFunc(diags, func(d schema.Diagnostic) bool {
		return d.Severity == schema.Warning // they are validate's to tell
	})
	diags = append(diags, f.lower(&root)...)
	if diags.HasErrors() {
		return nil, src, diags.Sorted(), nil
	}
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
	base := strings.TrimSuffix(path, ".test.yaml")
	for _, ext := range []string{".yaml", ".yml", ".cue"} {
		if info, err := os.Stat(base + ext); err == nil && !info.IsDir() && base+ext != path {
			return base + ext
		}
	}
	return dir
}

// lower reads the cases out of a checked file, and checks what a form cannot.
func (f *File) lower(root *schema.Value) (diags schema.Diagnostics) {
	for _, k := range root.Get("hosts").Keys {
		a, _ := netip.ParseAddr(k.S)
		if k.S != "none" && !a.IsValid() {
			diags = append(diags, k.Value.Problem(schema.BadTest, "%q is not an IP address", k.S))
			continue
		}
		f.hosts.say(k.Name, a)
	}
	diags = append(diags, f.checkTables(root.Get("tables"))...)
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

func (f *File) lowerCase(v, common *schema.Value) (Case, schema.Diagnostics) {
	var diags schema.Diagnostics
	g := v.Get("given")
	given := merged(common, g)
	c := Case{
		Name: v.Get("name").S, Pos: v.Get("name").Pos, Flow: v.Get("flow").S,
		Message: Message{
			Method: given.Get("method").S, URI: given.Get("uri").S,
			From: given.Get("from").S, To: given.Get("to").S,
			Fields: fields(given.Get("headers")), Body: given.Get("body").S,
			Text: given.Get("message").S,
		},
		Origin: Origin{given.Get("source").S, given.Get("listener").S},
		value:  v, expect: v.Get("expect"), source: given.Get("source"), tables: v.Get("tables"),
	}
	if c.source.Kind == schema.None {
		c.source = name(v)
	}
	diags = append(diags, f.checkTables(c.tables)...)
	if raw := given.Get("raw"); raw.Kind == schema.String {
		c.Message.Raw = []byte(lines(raw.S))
		if !strings.Contains(raw.S, "\n\n") && !strings.Contains(raw.S, "\r\n\r\n") {
			c.Message.Raw = append(c.Message.Raw, "\r\n"...)
		}
	}
	if t := given.Get("time"); t.Kind == schema.String {
		var err error
		if c.Time, err = time.Parse(time.RFC3339, t.S); err != nil {
			diags = append(diags, t.Problem(schema.BadTest, "%q is not a time", t.S))
		}
	}
	if flow := v.Get("flow"); c.Flow != "" && (g.Kind != schema.None || v.Has("branches")) {
		diags = append(diags, flow.Problem(schema.BadTest,
			"a flow is the whole conversation: no given or branches beside it"))
	} else if c.Flow == "" {
		diags = append(diags, exclusive(g, given)...)
		if _, err := c.Origin.flow(listeners(f.doc)); err != nil {
			diags = append(diags, c.source.Problem(schema.BadTest, "%v", err))
		}
	}
	for i := range c.expect.Keys {
		switch k := &c.expect.Keys[i]; k.Name {
		case "path", "vars", "log":
		default:
			if c.Flow != "" {
				diags = append(diags, k.Problem(schema.BadTest,
					"a flow says itself what its agents receive; %q is about a request given", k.Name))
			}
		}
	}
	for i := range v.Get("branches").Items {
		c.Branches = append(c.Branches, branch(&v.Get("branches").Items[i]))
	}
	return c, append(diags, f.checkExpect(c.expect)...)
}

func name(v *schema.Value) *schema.Value { return v.Get("name") }

// exclusive tells what cannot stand beside a message given whole.
func exclusive(own, given *schema.Value) (diags schema.Diagnostics) {
	for _, whole := range []string{"raw", "message"} {
		if given.Get(whole).Kind == schema.None {
			continue
		}
		for i := range own.Keys {
			k := &own.Keys[i]
			switch k.Name {
			case "source", "listener", "time", whole:
			default:
				diags = append(diags, k.Problem(schema.BadTest, "%q is given whole by %q", k.Name, whole))
			}
		}
		break
	}
	return diags
}

// merged is a request given as own, what it leaves out as common has it. Who
// gives a message whole takes of common only where it comes from and when.
func merged(common, own *schema.Value) *schema.Value {
	whole := own.Has("raw") || own.Has("message")
	all := schema.Value{Kind: schema.Map, Pos: own.Pos, Keys: slices.Clone(own.Keys)}
	for _, k := range common.Keys {
		outside := k.Name == "source" || k.Name == "listener" || k.Name == "time"
		if !own.Has(k.Name) && (outside || !whole) {
			all.Keys = append(all.Keys, k)
		}
	}
	return &all
}

// fields reads the header fields of a checked map.
func fields(v *schema.Value) (list []Field) {
	for i := range v.Keys {
		k := &v.Keys[i]
		if k.Kind == schema.Bool {
			list = append(list, Field{Name: k.Name, Absent: true})
		}
		k.Each(func(v *schema.Value) {
			if v.Kind == schema.String {
				list = append(list, Field{Name: k.Name, Value: v.S})
			}
		})
	}
	return list
}

// branch reads a checked #Branch.
func branch(v *schema.Value) Branch {
	b := Branch{To: v.Get("to").S, Delay: v.Get("silent").Duration()}
	v.Get("reply").Each(func(v *schema.Value) {
		r := Reply{Code: int(v.N)}
		if v.Kind == schema.Map {
			r = Reply{
				Code: int(v.Get("code").N), Reason: v.Get("reason").S,
				Fields: fields(v.Get("headers")), After: v.Get("after").Duration(),
			}
		}
		b.Replies = append(b.Replies, r)
	})
	if silent := v.Get("silent"); b.Replies == nil && !(silent.Kind == schema.Bool && silent.B) {
		b.Replies = []Reply{{Code: 200}}
	}
	return b
}

// checkTables checks that tables named are the policy's and rows are rows.
func (f *File) checkTables(v *schema.Value) (diags schema.Diagnostics) {
	var known []string
	for _, t := range f.doc.Tables {
		known = append(known, t.Name)
	}
	for i := range v.Keys {
		k := &v.Keys[i]
		if !slices.Contains(known, k.Name) {
			diags = append(diags, k.Problem(schema.UnknownTable, "the policy has no table %q%s",
				k.Name, schema.Meant(k.Name, known)))
			continue
		}
		_, more := schema.Rows(&k.Value)
		diags = append(diags, more...)
	}
	return diags
}
