package schema

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

//go:embed policy.cue
var policyCUE string

// A shape is a CUE definition in the form that checks a Value in one walk.
// Shapes hold the part of CUE the schema is written in: scalars, literals,
// bounds, regular expressions, closed structs with optional (?) and required
// (!) fields and pattern keys, open lists, disjunctions, references to
// definitions. Everything else is refused when the shapes are read.
type shape struct {
	form
	name   string     // of its definition: "#Duration"; "" none
	what   string     // how a message calls it: "a duration"
	like   string     // examples: `like 500ms, 5s`
	refine refinement // what CUE can't say of it; nil nothing

	to    *shape         // reference
	subs  []*shape       // disjunction, conjunction
	lit   Value          // literal
	re    *regexp.Regexp // pattern
	op    token.Token    // bound
	bound int64
	kind  ValueKind // basic

	fields []field // structure
	index  map[string]int
	keys   *shape   // of further keys; nil none
	value  *shape   // of what stands under them
	noun   string   // what a key is called: "key", "action"
	one    bool     // exactly one key,
	beside []string // these not counted

	first []*shape // list: items that must be there,
	rest  *shape   // and what may follow; nil nothing
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
	shape    *shape
	required bool
	some     bool // a list here has at least one item
}

// readShapes reads the definitions of a CUE file.
func readShapes(src string) (map[string]*shape, error) {
	f, err := parser.ParseFile("schema", src, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	r := shapeReader{defs: map[string]*shape{}}
	for _, d := range f.Decls {
		fd, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		if name, _, err := ast.LabelName(fd.Label); err == nil {
			r.defs[name] = &shape{}
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
		s.name, s.refine = name, refinements[name]
		for _, a := range fd.Attrs {
			if err := s.attribute(a); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		*r.defs[name] = *s
	}
	return r.defs, nil
}

type shapeReader struct{ defs map[string]*shape }

func (r *shapeReader) expr(e ast.Expr) (*shape, error) {
	switch x := e.(type) {
	case *ast.ParenExpr:
		return r.expr(x.X)
	case *ast.Ident:
		return r.ident(x)
	case *ast.BasicLit:
		v, err := literalValue(x)
		return &shape{form: constant, lit: v}, err
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
		s := &shape{form: disjunction}
		if x.Op == token.AND {
			s.form = conjunction
		}
		for _, sub := range []*shape{left, right} {
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

func (r *shapeReader) ident(x *ast.Ident) (*shape, error) {
	switch x.Name {
	case "_":
		return &shape{}, nil
	case "string":
		return &shape{form: basic, kind: String}, nil
	case "int":
		return &shape{form: basic, kind: Int}, nil
	case "number":
		return &shape{form: basic, kind: number}, nil
	case "bool":
		return &shape{form: basic, kind: Bool}, nil
	}
	to := r.defs[x.Name]
	if to == nil {
		return nil, fmt.Errorf("%v: %s is not defined", x.Pos(), x.Name)
	}
	return &shape{form: reference, to: to}, nil
}

func (r *shapeReader) unary(x *ast.UnaryExpr) (*shape, error) {
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
	case x.Op == token.MAT && v.Kind == String:
		re, err := regexp.Compile(v.S)
		return &shape{form: pattern, re: re}, err
	case x.Op == token.SUB && v.Kind == Int:
		v.N = -v.N
		return &shape{form: constant, lit: v}, nil
	case v.Kind == Int && (x.Op == token.GEQ || x.Op == token.LEQ ||
		x.Op == token.GTR || x.Op == token.LSS):
		return &shape{form: bounded, op: x.Op, bound: v.N}, nil
	}
	return nil, fmt.Errorf("%v: %s is no part of a schema", x.Pos(), x.Op)
}

func (r *shapeReader) structure(x *ast.StructLit) (*shape, error) {
	s := &shape{form: structure, index: map[string]int{}, noun: "key"}
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
			return nil, fmt.Errorf("%v: field %s wants ? or !", fd.Pos(), name)
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

func (r *shapeReader) list(x *ast.ListLit) (*shape, error) {
	s := &shape{form: sequence}
	for _, e := range x.Elts {
		if open, ok := e.(*ast.Ellipsis); ok {
			s.rest = &shape{}
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
func (s *shape) attribute(a *ast.Attribute) error {
	key, body := a.Split()
	e, err := parser.ParseExpr("attribute", "["+body+"]")
	if err != nil {
		return err
	}
	var args []string
	for _, x := range e.(*ast.ListLit).Elts {
		lit, ok := x.(*ast.BasicLit)
		if !ok {
			return fmt.Errorf("%v: @%s wants texts", a.Pos(), key)
		}
		arg, err := literal.Unquote(lit.Value)
		if err != nil {
			return err
		}
		args = append(args, arg)
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
func (s *shape) setNoun(noun string) {
	s.noun = noun
	for _, sub := range s.subs {
		if sub.form == structure {
			sub.noun = noun
		}
	}
}

func literalValue(x *ast.BasicLit) (Value, error) {
	switch x.Kind {
	case token.STRING:
		s, err := literal.Unquote(x.Value)
		return Value{Kind: String, S: s}, err
	case token.INT:
		n, err := strconv.ParseInt(x.Value, 0, 64)
		return Value{Kind: Int, N: n}, err
	case token.TRUE, token.FALSE:
		return Value{Kind: Bool, B: x.Kind == token.TRUE}, nil
	}
	return Value{}, fmt.Errorf("%v: %s is no part of a schema", x.Pos(), x.Value)
}
