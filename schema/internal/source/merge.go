package source

import "strconv"

// Merge adds a file's document to the others. Maps are merged; a key given
// twice with anything else is an error.
func Merge(into *Value, part Value) Diagnostics {
	if into.Kind == None {
		*into = part
		return nil
	}
	if part.Kind != Map || into.Kind != Map {
		if part.Kind == None {
			return nil
		}
		return Diagnostics{part.Problem(WrongType, "expected a policy, got no map")}
	}
	var diags Diagnostics
	for _, k := range part.Keys {
		at, dup := find(into, nil, k.Name)
		switch {
		case !dup:
			into.Keys = append(into.Keys, k)
		case k.Kind == Map && into.Keys[at].Kind == Map:
			diags = append(diags, Merge(&into.Keys[at].Value, k.Value)...)
		default:
			diags = append(diags, duplicate(&k, into.Keys[at].Pos))
		}
	}
	return diags
}

// find looks a key up; seen is an index of long maps, or nil.
func find(v *Value, seen map[string]int, name string) (int, bool) {
	if seen != nil {
		i, ok := seen[name]
		return i, ok
	}
	for i := range v.Keys {
		if v.Keys[i].Name == name {
			return i, true
		}
	}
	return 0, false
}

// duplicate reports a key that stands twice.
func duplicate(k *Key, first Pos) Diagnostic {
	return k.Problem(DuplicateKey, "%q is given twice; first %s", k.Name, Where(first, k.Pos))
}

// Where is p as a message about another place names it.
func Where(p, from Pos) string {
	if p.File != from.File {
		return "in " + p.File + ":" + strconv.Itoa(p.Line)
	}
	return "in line " + strconv.Itoa(p.Line)
}
