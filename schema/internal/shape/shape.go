package shape

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"sipedge/schema/internal/source"
)

// A Shape is a CUE definition in the form that checks a source.Value in one walk.
// Shapes hold the part of CUE the schema is written in: scalars, literals,
// bounds, regular expressions, closed structs with optional (?) and required
// (!) fields and pattern keys, open lists, disjunctions, references to
// definitions. Everything else is refused when the shapes are read.
type Shape struct {
	form
	name string // of its definition: "#Duration"; "" none
	what string // how a message calls it: "a duration"
	like string // examples: `like 500ms, 5s`
	doc  string // the comment above its definition

	to    *Shape         // reference
	subs  []*Shape       // disjunction, conjunction
	lit   source.Value   // literal
	re    *regexp.Regexp // pattern
	op    token.Token    // bound
	bound int64
	kind  source.ValueKind // basic

	fields []field // structure
	index  map[string]int
	keys   *Shape   // of further keys; nil none
	value  *Shape   // of what stands under them
	noun   string   // what a key is called: "key", "action"
	one    bool     // exactly one key,
	beside []string // these not counted

	first []*Shape // list: items that must be there,
	rest  *Shape   // and what may follow; nil nothing
}

type form uint8

const (
	anything form = iota
	reference
	basic
	constant
	pattern
	bounded
	disjunction
	conjunction
	structure
	sequence
)

type field struct {
	name     string
	doc      string
	shape    *Shape
	required bool
	some     bool // a list here has at least one item
}

// Read reads the definitions of a CUE file.
func Read(src string) (map[string]*Shape, error) {
	f, err := parser.ParseFile("schema", src, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	r := reader{defs: map[string]*Shape{}}
	for _, d := range f.Decls {
		fd, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		if name, _, err := ast.LabelName(fd.Label); err == nil {
			r.defs[name] = &Shape{}
		}
	}
	for _, d := range f.Decls {
		fd, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		name, _, err := ast.LabelName(fd.Label)
		if err != nil {
			return nil, err
		}
		s, err := r.expr(fd.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.name = name
		for _, c := range ast.Comments(fd) {
			if c.Doc {
				s.doc = c.Text()
			}
		}
		for _, a := range fd.Attrs {
			if err := s.attribute(a); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		*r.defs[name] = *s
	}
	return r.defs, nil
}

type reader struct{ defs map[string]*Shape }

func (r *reader) expr(e ast.Expr) (*Shape, error) {
	switch x := e.(type) {
	case *ast.ParenExpr:
		return r.expr(x.X)
	case *ast.Ident:
		return r.ident(x)
	case *ast.BasicLit:
		v, err := literalValue(x)
		return &Shape{form: constant, lit: v}, err
	case *ast.UnaryExpr:
		return r.unary(x)
	case *ast.BinaryExpr:
		if x.Op != token.OR && x.Op != token.AND {
			break
		}
		left, err := r.expr(x.X)
		if err != nil {
			return nil, err
		}
		right, err := r.expr(x.Y)
		if err != nil {
			return nil, err
		}
		s := &Shape{form: disjunction}
		if x.Op == token.AND {
			s.form = conjunction
		}
		for _, sub := range []*Shape{left, right} {
			if sub.form == s.form {
				s.subs = append(s.subs, sub.subs...)
			} else {
				s.subs = append(s.subs, sub)
			}
		}
		return s, nil
	case *ast.StructLit:
		return r.structure(x)
	case *ast.ListLit:
		return r.list(x)
	}
	return nil, fmt.Errorf("%v: %T is no part of a schema", e.Pos(), e)
}

func (r *reader) ident(x *ast.Ident) (*Shape, error) {
	switch x.Name {
	case "_":
		return &Shape{}, nil
	case "string":
		return &Shape{form: basic, kind: source.String}, nil
	case "int":
		return &Shape{form: basic, kind: source.Int}, nil
	case "number":
		return &Shape{form: basic, kind: source.Number}, nil
	case "bool":
		return &Shape{form: basic, kind: source.Bool}, nil
	}
	to := r.defs[x.Name]
	if to == nil {
		return nil, fmt.Errorf("%v: %s is not defined", x.Pos(), x.Name)
	}
	return &Shape{form: reference, to: to}, nil
}

func (r *reader) unary(x *ast.UnaryExpr) (*Shape, error) {
	if x.Op == token.MUL { // the default of a disjunction: for readers
		return r.expr(x.X)
	}
	lit, ok := x.X.(*ast.BasicLit)
	if !ok {
		return nil, fmt.Errorf("%v: %s wants a literal", x.Pos(), x.Op)
	}
	v, err := literalValue(lit)
	if err != nil {
		return nil, err
	}
	switch {
	case x.Op == token.MAT && v.Kind == source.String:
		re, err := regexp.Compile(v.S)
		return &Shape{form: pattern, re: re}, err
	case x.Op == token.SUB && v.Kind == source.Int:
		v.N = -v.N
		return &Shape{form: constant, lit: v}, nil
	case v.Kind == source.Int && (x.Op == token.GEQ || x.Op == token.LEQ):
		return &Shape{form: bounded, op: x.Op, bound: v.N}, nil
	}
	return nil, fmt.Errorf("%v: %s is no part of a schema", x.Pos(), x.Op)
}

func (r *reader) structure(x *ast.StructLit) (*Shape, error) {
	s := &Shape{form: structure, index: map[string]int{}, noun: "key"}
	for _, d := range x.Elts {
		fd, ok := d.(*ast.Field)
		if !ok {
			return nil, fmt.Errorf("%v: %T is no part of a schema", d.Pos(), d)
		}
		value, err := r.expr(fd.Value)
		if err != nil {
			return nil, err
		}
		if l, ok := fd.Label.(*ast.ListLit); ok && len(l.Elts) == 1 {
			if s.keys, err = r.expr(l.Elts[0]); err != nil {
				return nil, err
			}
			s.value = value
			continue
		}
		name, _, err := ast.LabelName(fd.Label)
		if err != nil {
			return nil, err
		}
		if fd.Constraint != token.OPTION && fd.Constraint != token.NOT {
			return nil, fmt.Errorf("%v: field %s: neither ? nor ! behind it", fd.Pos(), name)
		}
		f := field{name: name, shape: value, required: fd.Constraint == token.NOT}
		for _, c := range ast.Comments(fd) {
			f.doc += c.Text()
		}
		for _, a := range fd.Attrs {
			if key, _ := a.Split(); key == "some" {
				f.some = true
			} else if err := value.attribute(a); err != nil {
				return nil, err
			}
		}
		s.index[name] = len(s.fields)
		s.fields = append(s.fields, f)
	}
	return s, nil
}

func (r *reader) list(x *ast.ListLit) (*Shape, error) {
	s := &Shape{form: sequence}
	for _, e := range x.Elts {
		if open, ok := e.(*ast.Ellipsis); ok {
			s.rest = &Shape{}
			if open.Type != nil {
				rest, err := r.expr(open.Type)
				if err != nil {
					return nil, err
				}
				s.rest = rest
			}
			continue
		}
		item, err := r.expr(e)
		if err != nil {
			return nil, err
		}
		s.first = append(s.first, item)
	}
	return s, nil
}

// attribute takes @says, @one and @key.
func (s *Shape) attribute(a *ast.Attribute) error {
	key, body := a.Split()
	var args []string
	for body != "" {
		quoted, err := strconv.QuotedPrefix(body)
		if err != nil {
			return fmt.Errorf("%v: @%s wants texts", a.Pos(), key)
		}
		arg, _ := strconv.Unquote(quoted)
		args = append(args, arg)
		body = strings.TrimLeft(body[len(quoted):], ", ")
	}
	if len(args) == 0 {
		return fmt.Errorf("%v: @%s wants arguments", a.Pos(), key)
	}
	switch key {
	case "says":
		s.what = args[0]
		if len(args) > 1 {
			s.like = args[1]
		}
	case "one":
		s.one, s.noun, s.beside = true, args[0], args[1:]
	case "key":
		s.setNoun(args[0])
	default:
		return fmt.Errorf("%v: @%s is not known", a.Pos(), key)
	}
	return nil
}

// setNoun names the keys of s, or of the structures among its alternatives.
func (s *Shape) setNoun(noun string) {
	s.noun = noun
	for _, sub := range s.subs {
		if sub.form == structure {
			sub.noun = noun
		}
	}
}

func literalValue(x *ast.BasicLit) (source.Value, error) {
	switch x.Kind {
	case token.STRING:
		s, err := literal.Unquote(x.Value)
		return source.Value{Kind: source.String, S: s}, err
	case token.INT:
		n, err := strconv.ParseInt(x.Value, 0, 64)
		return source.Value{Kind: source.Int, N: n}, err
	case token.TRUE, token.FALSE:
		return source.Value{Kind: source.Bool, B: x.Kind == token.TRUE}, nil
	}
	return source.Value{}, fmt.Errorf("%v: %s is no part of a schema", x.Pos(), x.Value)
}
