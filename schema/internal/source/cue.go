package source

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/load"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// cueReader turns evaluated CUE into a Value. A policy in CUE is data: its
// definitions, hidden fields and comprehensions are gone when it is read.
type cueReader struct {
	names map[string]string // file names as the evaluator and the author call them
	main  string            // stands for places without one
	near  Pos               // of the innermost value around this one that is the author's own
	diags Diagnostics
}

// ReadCUE evaluates one file that imports nothing but the standard packages.
func ReadCUE(file string, src []byte) (Value, Diagnostics) {
	r := &cueReader{main: file}
	f, err := parser.ParseFile(file, src)
	if err != nil {
		r.errors(err)
		return Value{}, r.diags[:1] // the others follow from it
	}
	return r.read(cuecontext.New().BuildFile(f))
}

// ParseCUE tells what is wrong with the syntax of a file.
func ParseCUE(file string, src []byte) Diagnostics {
	r := &cueReader{main: file}
	if _, err := parser.ParseFile(file, src, parser.ParseComments); err != nil {
		r.errors(err)
		return r.diags[:1] // the others follow from it
	}
	return nil
}

// ReadCUEFiles evaluates the files of a folder as one package. Imports are
// looked up in the folder's module and never on the network; packages gives
// those of Module, by their names below it.
func ReadCUEFiles(dir string, files []string, src Files,
	packages func() (map[string][]byte, error)) (Value, Diagnostics) {
	r := &cueReader{names: map[string]string{}, main: files[0]}
	overlay := map[string]load.Source{}
	var base []string
	for _, file := range files {
		abs := absolute(file)
		r.names[abs] = file
		overlay[abs] = load.FromBytes(src[file])
		base = append(base, "./"+filepath.Base(file))
	}
	if importsModule(files, src) {
		if err := overlayModule(overlay, absolute(dir), packages); err != nil {
			return Value{}, Diagnostics{{Pos: Pos{files[0], 1, 1}, Code: SyntaxCUE,
				Message: err.Error()}}
		}
	}
	list := load.Instances(base, &load.Config{
		Dir:     dir,
		Overlay: overlay,
		Env:     []string{"CUE_REGISTRY=none"},
	})
	return r.instance(list[0])
}

func (r *cueReader) instance(inst *build.Instance) (Value, Diagnostics) {
	if inst.Err != nil {
		r.errors(inst.Err)
		return Value{}, r.diags[:1] // the others follow from it
	}
	return r.read(cuecontext.New().BuildInstance(inst))
}

func (r *cueReader) read(v cue.Value) (Value, Diagnostics) {
	if err := v.Validate(); err != nil {
		r.errors(err)
		return Value{}, r.diags
	}
	out := r.value(v, 0)
	return out, r.diags
}

// errors reports each error of the evaluator once, by its path.
func (r *cueReader) errors(err error) {
	seen := map[string]bool{}
	for _, e := range errors.Errors(err) {
		path := strings.Join(e.Path(), ".")
		if path != "" && seen[path] {
			continue
		}
		seen[path] = true
		d := Diagnostic{Code: SyntaxCUE, Message: cueMessage(e), Pos: Pos{r.main, 1, 1}}
		var at []Pos
		for _, p := range errors.Positions(e) {
			if pos, own := r.pos(p); own {
				at = append(at, pos)
			}
		}
		if len(at) > 0 {
			d.Pos = at[0]
		}
		if len(at) > 1 && strings.Contains(d.Message, "conflicting values") {
			d.Pos = at[1]
			d.Message += "; the other " + Where(at[0], at[1])
		}
		if strings.Contains(d.Message, `"sipedge/`) {
			d.Hint = "the packages of sipedge are imported from " + Module + "/…"
		}
		if strings.HasPrefix(path, "secrets") { // the message may have the value
			d.Quiet, d.Message = true, path+" cannot be evaluated"
		}
		r.diags = append(r.diags, d)
	}
}

// cueReason says why there is no value.
func cueReason(v cue.Value) string {
	if all := errors.Errors(v.Validate(cue.Concrete(true))); len(all) > 0 {
		_, reason, _ := strings.Cut(cueMessage(all[0]), ": ")
		return reason
	}
	return "no value"
}

// cueMessage is the first line of an error, without places in it.
func cueMessage(e errors.Error) string {
	text, _, _ := strings.Cut(strings.TrimSpace(e.Error()), "\n")
	return strings.TrimSuffix(cuePlace.ReplaceAllString(text, ""), ":")
}

var cuePlace = regexp.MustCompile(`\S+\.cue:\d+:\d+: `)

func (r *cueReader) name(file string) (string, bool) {
	if r.names == nil {
		return file, file == r.main
	}
	name, ok := r.names[file]
	return name, ok
}

// pos is a place in the author's files. What comes from a package he imports
// is placed where he uses it.
func (r *cueReader) pos(p token.Pos) (at Pos, own bool) {
	if p.IsValid() && p.Filename() != "" {
		if name, own := r.name(p.Filename()); own {
			return Pos{name, p.Line(), p.Column()}, true
		}
	}
	if r.near.Line == 0 {
		return Pos{r.main, 1, 1}, false
	}
	return r.near, false
}

func (r *cueReader) fail(v cue.Value, code Code, format string, args ...any) Value {
	r.diags = append(r.diags, Diagnostic{
		Pos: r.place(v).Pos, Code: code, Message: fmt.Sprintf(format, args...),
	})
	return Value{}
}

// place is a Value with the position of v, behind its quote, and its end.
func (r *cueReader) place(v cue.Value) Value {
	n := v.Source()
	if f, ok := n.(*ast.Field); ok {
		n = f.Value
	}
	at := v.Pos()
	if n != nil {
		at = n.Pos()
	}
	var out Value
	var own bool
	if out.Pos, own = r.pos(at); !own {
		return out
	}
	lit, ok := n.(*ast.BasicLit)
	if !ok || strings.Contains(lit.Value, "\n") {
		return out
	}
	out.End = out.Pos.Col + len(lit.Value)
	if lit.Kind == token.STRING {
		quote := len(lit.Value) - len(strings.TrimLeft(lit.Value, `#"'`))
		if quote*2 > len(lit.Value) { // an empty text
			quote = len(lit.Value) / 2
		}
		out.Pos.Col += quote
		out.End -= quote
	}
	return out
}

func (r *cueReader) value(v cue.Value, depth int) Value {
	if depth > maxDepth {
		return r.fail(v, TooLarge, "nested deeper than %d levels", maxDepth)
	}
	if d, ok := v.Default(); ok {
		v = d
	}
	out := r.place(v)
	outer := r.near
	r.near = out.Pos
	defer func() { r.near = outer }()
	if v.IncompleteKind() == cue.BottomKind {
		return r.fail(v, SyntaxCUE, "%s: %s", v.Path(), cueReason(v))
	}
	if v.Kind() == cue.BottomKind {
		return r.fail(v, SyntaxCUE, "%s: %s is a type, not a value", v.Path(), v.IncompleteKind())
	}
	switch v.Kind() {
	case cue.StructKind:
		out.Kind = Map
		r.fields(v, &out, depth)
	case cue.ListKind:
		out.Kind = List
		items, _ := v.List()
		for items.Next() {
			out.Items = append(out.Items, r.value(items.Value(), depth+1))
		}
	case cue.StringKind:
		out.Kind = String
		out.S, _ = v.String()
	case cue.BoolKind:
		out.Kind = Bool
		out.B, _ = v.Bool()
	case cue.IntKind:
		n, err := v.Int64()
		if out.Kind, out.N = Int, n; err != nil {
			out.Kind, out.S = Number, fmt.Sprint(v)
		}
	case cue.NullKind:
	case cue.BytesKind:
		return r.fail(v, WrongType, "bytes mean nothing here; write a text")
	default:
		out.Kind, out.S = Number, fmt.Sprint(v)
	}
	return out
}

func (r *cueReader) fields(v cue.Value, out *Value, depth int) {
	fields, err := v.Fields()
	if err != nil {
		r.errors(err.(errors.Error))
		return
	}
	for fields.Next() {
		fv := fields.Value()
		k := Key{Name: fields.Selector().Unquoted(), Value: r.value(fv, depth+1)}
		k.Pos = k.Value.Pos
		r.key(&k, fv)
		out.Keys = append(out.Keys, k)
	}
}

// key places a key.
func (r *cueReader) key(k *Key, v cue.Value) {
	f, ok := v.Source().(*ast.Field)
	if !ok {
		if v.Pos().IsValid() {
			k.Pos, _ = r.pos(v.Pos())
		}
		return
	}
	var own bool
	if k.Pos, own = r.pos(f.Label.Pos()); !own {
		return
	}
	if lit, ok := f.Label.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		k.Pos.Col++
	}
	k.End = k.Pos.Col + len(k.Name)
}

// IsCUE decides by the name of a file.
func IsCUE(file string) bool { return strings.EqualFold(filepath.Ext(file), ".cue") }
