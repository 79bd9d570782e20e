package schema

import (
	"errors"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/encoding/yaml"

	"sipedge/schema/internal/shape"
	"sipedge/schema/internal/source"
)

// ShapeTakes reports whether the shapes take a YAML policy, as far as CUE
// can tell.
func ShapeTakes(src []byte, v *Vocabulary) (bool, error) {
	v.compile()
	root, diags := source.ReadYAML("policy.yaml", src)
	if len(diags) > 0 {
		return false, errors.New(diags[0].Message)
	}
	return len(shape.Check(&root, v.root, shape.Options{Plain: true})) == 0, nil
}

// Oracle is CUE's evaluator over the same schema.
type Oracle struct {
	ctx    *cue.Context
	policy cue.Value
}

// NewOracle compiles the schema.
func NewOracle(v *Vocabulary) (*Oracle, error) {
	ctx := cuecontext.New()
	schema := ctx.CompileString(v.CUE())
	policy := schema.LookupPath(cue.ParsePath("#Policy"))
	return &Oracle{ctx, policy}, policy.Err()
}

// Takes reports whether the evaluator takes a YAML policy.
func (o *Oracle) Takes(src []byte) (bool, error) {
	f, err := yaml.Extract("policy.yaml", src)
	if err != nil {
		return false, err
	}
	v := o.policy.Unify(o.ctx.BuildFile(f))
	return v.Validate(cue.Concrete(true), cue.Final()) == nil, nil
}

// ParseDuration and ParseSize are for their tables.
var (
	ParseDuration = source.ParseDuration
	ParseSize     = source.ParseSize
	Nearest       = source.Nearest
)

// SameData reports whether two YAML documents hold the same data.
func SameData(a, b []byte) (bool, error) {
	x, diags := source.ReadYAML("a.yaml", a)
	y, more := source.ReadYAML("b.yaml", b)
	if diags = append(diags, more...); len(diags) > 0 {
		return false, errors.New(diags[0].Message)
	}
	return SameValue(&x, &y), nil
}
