package shape

import (
	"slices"
	"strconv"
	"strings"

	"sipedge/schema/internal/source"
)

// A Refinement checks what CUE can't say of a value that its definition took;
// nil: nothing is wrong.
type Refinement func(v *source.Value) *source.Diagnostic

// Options of a check.
type Options struct {
	Refine map[string]Refinement // by definition: "#Duration"
	Plain  bool                  // no more than CUE could: two actions in a step pass
	// Foreign finds a word of another language in a text, and says what is meant by it here;
	// nil: there is none.
	Foreign func(text string) (word, here string, found bool)
}

// Check holds a value against a shape: one diagnostic for each mistake.
func Check(v *source.Value, s *Shape, o Options) source.Diagnostics {
	w := walker{Options: o}
	w.check(v, s, nil)
	return w.diags
}

type walker struct {
	Options
	secret bool // values are not printed
	diags  source.Diagnostics
}

func (w *walker) add(d source.Diagnostic) {
	d.Quiet = w.secret
	w.diags = append(w.diags, d)
}

// addStrict is add for what CUE can't say.
func (w *walker) addStrict(d source.Diagnostic) {
	if !w.Plain {
		w.add(d)
	}
}

// check walks v. owner is the key it stands under, itself or in a list; nil
// for the whole policy.
func (w *walker) check(v *source.Value, s *Shape, owner *source.Key) {
	var words *Shape
	var refine Refinement
	for ; ; s = s.to {
		if words == nil && s.what != "" {
			words = s
		}
		if refine == nil && s.name != "" {
			refine = w.Refine[s.name]
		}
		if s.form != reference {
			break
		}
	}
	if words == nil {
		words = s
	}
	if key, ok := unquoted(v, s); ok && !w.Plain {
		d := v.Problem(source.WrongType, "{%s} without quotes is a map, not a text", key)
		d.Hint = `put templates in quotes: "{` + key + `}"`
		if k := &v.Keys[0]; k.End > 0 && k.Pos.Line == v.Pos.Line {
			d.End = k.End + 1
		}
		w.add(d)
		return
	}
	before := len(w.diags)
	switch s.form {
	case disjunction:
		w.choose(v, s, words, owner)
	case structure:
		w.structure(v, s, words, owner)
	case sequence:
		w.sequence(v, s, words, owner)
	default:
		w.scalar(v, s, words, owner)
	}
	if refine != nil && len(w.diags) == before {
		if d := refine(v); d != nil {
			w.addStrict(*d)
		}
	}
}

// unquoted tells a template somebody forgot to put in quotes: YAML reads
// {ruri.user} as a map with an empty value.
func unquoted(v *source.Value, s *Shape) (string, bool) {
	if !v.Flow || len(v.Keys) != 1 || v.Keys[0].Kind != source.None ||
		s.kinds()&(1<<source.String) == 0 {
		return "", false
	}
	key := v.Keys[0].Name
	return key, strings.ContainsAny(key, ".| ") || s.kinds()&(1<<source.Map) == 0
}

// choose checks v against the alternatives that take its kind.
func (w *walker) choose(v *source.Value, s, words *Shape, owner *source.Key) {
	var fit []*Shape
	for _, sub := range s.subs {
		if sub.kinds()&(1<<v.Kind) != 0 {
			fit = append(fit, sub)
		}
	}
	switch len(fit) {
	case 0:
		w.wrongType(v, words, owner)
		return
	case 1:
		switch {
		case fit[0].form == constant && !fit[0].takes(v):
			w.add(w.refused(v, s, words))
			return
		case fit[0].words() == nil && fit[0].form < structure:
			w.scalar(v, fit[0], words, owner)
			return
		}
		w.check(v, fit[0], owner)
		return
	}
	var best source.Diagnostics
	for _, sub := range fit {
		trial := walker{Options: w.Options, secret: w.secret}
		trial.check(v, sub, owner)
		if len(trial.diags) == 0 {
			return
		}
		if best == nil || len(trial.diags) < len(best) {
			best = trial.diags
		}
	}
	if v.Kind == source.String || v.Kind == source.Int {
		w.add(w.refused(v, s, words))
		return
	}
	w.diags = append(w.diags, best...)
}

// scalar checks v against a shape of one value.
func (w *walker) scalar(v *source.Value, s, words *Shape, owner *source.Key) {
	switch {
	case s.kinds()&(1<<v.Kind) == 0:
		w.wrongType(v, words, owner)
	case !s.takes(v):
		w.add(w.refused(v, s, words))
	}
	if v.Kind == source.String && !w.secret && words.name != secretText && external(v.S) {
		d := v.Problem(source.Misplaced,
			"values from the environment and from files are only for secrets")
		w.addStrict(d)
	}
	if v.Kind == source.String && !w.secret && w.Foreign != nil {
		if word, here, found := w.Foreign(v.S); found {
			d := v.Problem(source.ForeignVariable, "%s is plain text here", word)
			d.Severity, d.Hint = source.Warning, here
			w.addStrict(d)
		}
	}
}

const secretText = "#SecretText"

// external finds the ${env.X} and ${file:…} of secrets.
func external(s string) bool {
	return strings.Contains(s, "${env.") || strings.Contains(s, "${file:")
}

func (w *walker) sequence(v *source.Value, s, words *Shape, owner *source.Key) {
	if v.Kind != source.List {
		w.wrongType(v, words, owner)
		return
	}
	if len(v.Items) < len(s.first) {
		least := "one item"
		if n := len(s.first); n > 1 {
			least = strconv.Itoa(n) + " items"
		}
		w.add(marked(v, owner).Problem(source.Empty, "%s needs at least %s", ownerName(owner), least))
		return
	}
	strange := false // the first item of a wrong kind stands for the others
	for i := range v.Items {
		item := s.rest
		if i < len(s.first) {
			item = s.first[i]
		}
		switch {
		case item != nil && item.kinds()&(1<<v.Items[i].Kind) != 0:
			w.check(&v.Items[i], item, owner)
		case item != nil:
			if !strange {
				w.check(&v.Items[i], item, owner)
			}
			strange = true
		default:
			w.add(v.Items[i].Problem(source.TooLarge, "%s takes no more items", ownerName(owner)))
			return
		}
	}
}

func (w *walker) structure(v *source.Value, s, words *Shape, owner *source.Key) {
	if s.name == "#Secrets" {
		w.secret = true
		defer func() { w.secret = false }()
	}
	if v.Kind != source.Map {
		w.noMap(v, s, words, owner)
		return
	}
	if s.one && !w.Plain && !w.exactlyOne(v, s, words, owner) {
		return
	}
	unknown := false      // a key was
	var far []*source.Key // of these, those that are like none
	amiss := false        // a key has what belongs under another
	for i := range v.Keys {
		k := &v.Keys[i]
		if at, ok := s.index[k.Name]; ok {
			f := &s.fields[at]
			w.check(&k.Value, f.shape, k)
			amiss = amiss || f.shape.kinds()&(1<<k.Kind) == 0
			if f.some && k.Kind == source.List && len(k.Items) == 0 {
				w.addStrict(k.Problem(source.Empty, "%q needs at least one item", k.Name))
			}
			continue
		}
		if s.keys == nil {
			if near := source.Meant(k.Name, s.keyNames()); near != "" {
				w.unknownKeys([]*source.Key{k}, s, mapName(v, words, owner), near)
			} else {
				far = append(far, k)
			}
			unknown = true
			continue
		}
		name := source.Value{Kind: source.String, S: k.Name, Pos: k.Pos, End: k.End}
		before := len(w.diags)
		if w.check(&name, s.keys, nil); len(w.diags) == before {
			w.check(&k.Value, s.value, k)
		}
	}
	if far != nil {
		w.unknownKeys(far, s, mapName(v, words, owner), "")
	}
	for i := range s.fields {
		if f := &s.fields[i]; f.required && !unknown && !amiss && !v.Has(f.name) {
			name := mapName(v, words, owner)
			w.add(marked(v, owner).Problem(source.MissingField, "%s needs %q", name, f.name))
		}
	}
}

// exactlyOne checks the number of keys of a step or a listener.
func (w *walker) exactlyOne(v *source.Value, s, words *Shape, owner *source.Key) bool {
	var keys []*source.Key
	for i := range v.Keys {
		if !slices.Contains(s.beside, v.Keys[i].Name) {
			keys = append(keys, &v.Keys[i])
		}
	}
	if len(keys) == 1 {
		return true
	}
	name := mapName(v, words, owner)
	if len(keys) == 0 {
		w.addStrict(v.Problem(source.NotOneKey, "%s needs one %s", name, s.noun))
		return false
	}
	if len(keys) > 1 && w.misspelt(keys, s, name) {
		return false
	}
	first, second := keys[0], keys[1]
	d := second.Problem(source.NotOneKey, "%s is one %s; this one has %q and %q", name, s.noun,
		first.Name, second.Name)
	_, knownFirst := s.index[first.Name]
	_, knownSecond := s.index[second.Name]
	switch {
	case knownFirst && !knownSecond && first.Kind == source.None:
		d.Hint = "indent " + second.Name + " to make it an argument of " + first.Name
	case s.noun == "action":
		d.Hint = `begin the second with its own "- "`
	}
	w.addStrict(d)
	return false
}

// misspelt reports keys beside the one that s is which are none of those that may stand there.
func (w *walker) misspelt(keys []*source.Key, s *Shape, name string) bool {
	var odd []*source.Key
	for _, k := range keys {
		if _, known := s.index[k.Name]; !known {
			odd = append(odd, k)
		}
	}
	if len(s.beside) == 0 || len(odd) != len(keys)-1 {
		return false
	}
	for _, k := range odd {
		near := source.Meant(k.Name, s.keyNames())
		d := k.Problem(source.UnknownKey, "%q is not a key of %s%s", k.Name, name, near)
		if near == "" {
			d.Hint = "known: " + list(s.keyNames(), 16)
		}
		w.add(d)
	}
	return true
}

// kinds are the kinds of values s may take, a bit each.
func (s *Shape) kinds() int {
	switch s.form {
	case reference:
		return s.to.kinds()
	case basic:
		if s.kind == source.Number {
			return 1<<source.Int | 1<<source.Number
		}
		return 1 << s.kind
	case constant:
		return 1 << s.lit.Kind
	case pattern:
		return 1 << source.String
	case bounded:
		return 1<<source.Int | 1<<source.Number
	case structure:
		return 1 << source.Map
	case sequence:
		return 1 << source.List
	case disjunction:
		all := 0
		for _, sub := range s.subs {
			all |= sub.kinds()
		}
		return all
	case conjunction:
		all := -1
		for _, sub := range s.subs {
			all &= sub.kinds()
		}
		return all
	}
	return -1
}

// takes reports whether a scalar shape takes v.
func (s *Shape) takes(v *source.Value) bool {
	switch s.form {
	case reference:
		return s.to.takes(v)
	case basic:
		return v.Kind == s.kind || s.kind == source.Number && v.Kind == source.Int
	case constant:
		return v.Kind == s.lit.Kind && v.S == s.lit.S && v.N == s.lit.N && v.B == s.lit.B
	case pattern:
		return v.Kind == source.String && s.re.MatchString(v.S)
	case bounded:
		n, ok := v.Number()
		return ok && s.within(n)
	case disjunction:
		return slices.ContainsFunc(s.subs, func(sub *Shape) bool { return sub.takes(v) })
	case conjunction:
		return !slices.ContainsFunc(s.subs, func(sub *Shape) bool { return !sub.takes(v) })
	}
	return s.form == anything
}
