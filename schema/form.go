package schema

import (
	"fmt"
	"os"
	"sync"

	"sipedge/schema/internal/refine"
	"sipedge/schema/internal/shape"
	"sipedge/schema/internal/source"
)

// Tests of policies.
const (
	BadTest     Code = 7001
	UnknownRule Code = 7002
)

// Form is the shape of a YAML file that stands beside a policy, such as its
// tests. It is written in CUE over the definitions of policy.cue, and mistakes
// in such a file are told as those of a policy are.
type Form struct {
	cue, name string
	once      sync.Once
	shape     *shape.Shape
}

// NewForm makes a form of the definition of that name in cue. What is no CUE, or
// has no such definition, panics when it is first used.
func NewForm(cue, name string) *Form { return &Form{cue: cue, name: name} }

// Load reads the file at path. err is only for what could not be read.
func (f *Form) Load(path string) (Value, Source, Diagnostics, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Value{}, nil, nil, err
	}
	if info.Size() > source.MaxFile {
		return Value{}, nil, Diagnostics{tooLarge(path)}, nil
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return Value{}, nil, nil, err
	}
	root, diags := f.Read(path, src)
	return root, Source{path: src}, diags, nil
}

// Read reads the content of a file of that name.
func (f *Form) Read(name string, src []byte) (Value, Diagnostics) {
	f.once.Do(func() {
		defs, err := shape.Read((&Vocabulary{}).CUE() + f.cue)
		if err != nil {
			panic("schema: " + err.Error())
		}
		if f.shape = defs[f.name]; f.shape == nil {
			panic(fmt.Sprintf("schema: no definition %s", f.name))
		}
	})
	root, diags := source.ReadYAML(name, src)
	switch {
	case diags.HasErrors():
	case root.Kind == None || root.Kind == Map && len(root.Keys) == 0:
		d := root.Problem(Empty, "there is nothing in here")
		d.Pos.Line, d.Pos.Col = max(d.Pos.Line, 1), max(d.Pos.Col, 1)
		diags = append(diags, d)
	default:
		all := refine.All(&Value{}, refine.NewNames(&root, nil, false))
		diags = append(diags, shape.Check(&root, f.shape, shape.Options{Refine: all})...)
	}
	return root, diags.Sorted()
}
