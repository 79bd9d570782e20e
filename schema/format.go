package schema

import (
	"errors"
	"slices"
	"sync"

	"sipedge/schema/internal/format"
	"sipedge/schema/internal/shape"
	"sipedge/schema/internal/source"
)

// Format lays a file of a policy out: canonical order of keys, an indentation of two, at most one
// blank line in a row. Comments, quotes and what the author wrote in one line stay, where it fits
// in 100 columns. What is laid out already comes back as it is. Only a file that can't be read
// has diagnostics; what else is wrong with a policy does not matter here. err: a comment stands
// where it can't be kept. name decides between YAML and CUE.
func Format(name string, src []byte) ([]byte, Diagnostics, error) {
	if len(src) > source.MaxFile {
		return nil, Diagnostics{tooLarge(name)}, nil
	}
	if source.IsCUE(name) {
		if diags := source.ParseCUE(name, src); len(diags) > 0 {
			return nil, diags, nil
		}
		out, err := format.CUE(src)
		return out, nil, err
	}
	before, diags := source.ReadYAML(name, src)
	if len(diags) > 0 {
		return nil, diags.Sorted(), nil
	}
	out, err := format.YAML(src, keyOrder())
	if err != nil {
		return nil, nil, err
	}
	after, diags := source.ReadYAML(name, out)
	if len(diags) > 0 || !SameValue(&before, &after) || !format.SameComments(src, out) {
		return nil, nil, errors.New("a comment stands where it can't be kept")
	}
	return out, nil, nil
}

// keyOrder is the order of policy.cue.
var keyOrder = sync.OnceValue(func() format.Order {
	defs, err := shape.Read(policyCUE + "\n#Step: {}\n#Match: {}\n#Backend: {}\n")
	if err != nil {
		panic("schema: " + err.Error())
	}
	return format.Order{Top: defs["#Policy"].Keys(), Rule: defs["#Rule"].Keys()}
})

// SameValue compares but for places and the order of keys.
func SameValue(a, b *Value) bool {
	if a.Kind != b.Kind || a.S != b.S || a.N != b.N || a.B != b.B || len(a.Keys) != len(b.Keys) {
		return false
	}
	for i := range a.Keys {
		k := &a.Keys[i]
		if !b.Has(k.Name) || !SameValue(&k.Value, b.Get(k.Name)) {
			return false
		}
	}
	return slices.EqualFunc(a.Items, b.Items, func(x, y Value) bool { return SameValue(&x, &y) })
}
