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
// looked up in the folder's module and never on the network.
func ReadCUEFiles(dir string, files []string, src Files) (Value, Diagnostics) {
	r := &cueReader{names: map[string]string{}, main: files[0]}
	overlay := map[string]load.Source{}
	var base []string
	for _, file := range files {
		abs, err := filepath.Abs(file)
		if err != nil {
			abs = file
		}
		r.names[abs] = file
		overlay[abs] = load.FromBytes(src[file])
		base = append(base, "./"+filepath.Base(file))
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
		d := Diagnostic{Code: SyntaxCUE, Message: cueMessage(e), Pos: r.pos(token.NoPos)}
		var at []Pos
		for _, p := range errors.Positions(e) {
			if _, ours := r.name(p.Filename()); p.IsValid() && ours {
				at = append(at, r.pos(p))
			}
		}
		if len(at) > 0 {
			d.Pos = at[0]
		}
		if len(at) > 1 && strings.Contains(d.Message, "conflicting values") {
			d.Pos = at[1]
			d.Message += "; the other " + Where(at[0], at[1])
		}
		if strings.HasPrefix(path, "secrets") { // the message may have the value
			d.Quiet, d.Message = true, path+" cannot be evaluated"
		}
		r.diags = append(r.diags, d)
	}
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

// pos is a place in a file of the policy, or of a package it imports.
func (r *cueReader) pos(p token.Pos) Pos {
	if !p.IsValid() || p.Filename() == "" {
		return Pos{r.main, 1, 1}
	}
	name, ours := r.name(p.Filename())
	if !ours {
		name = p.Filename()
	}
	return Pos{name, p.Line(), p.Column()}
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
	if n == nil {
		return Value{Pos: r.pos(v.Pos())}
	}
	out := Value{Pos: r.pos(n.Pos())}
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
		if f, ok := fv.Source().(*ast.Field); ok {
			k.Pos = r.pos(f.Label.Pos())
			k.End = k.Pos.Col + len(k.Name)
			if lit, ok := f.Label.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				k.Pos.Col++
				k.End = k.Pos.Col + len(k.Name)
			}
		} else if fv.Pos().IsValid() {
			k.Pos = r.pos(fv.Pos())
		}
		out.Keys = append(out.Keys, k)
	}
}

// IsCUE decides by the name of a file.
func IsCUE(file string) bool { return strings.EqualFold(filepath.Ext(file), ".cue") }
