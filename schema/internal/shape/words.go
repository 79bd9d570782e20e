package shape

import (
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/token"

	"sipedge/schema/internal/source"
)

// This file words what the walker finds.

// nounCodes are the codes of unknown keys.
var nounCodes = map[string]source.Code{
	"key": source.UnknownKey, "action": source.UnknownAction, "matcher": source.UnknownMatch,
	"transport": source.UnknownTransport, "kind of table": source.UnknownKey,
	"driver": source.UnknownKey,
}

// words is the shape that says what s is called; nil none.
func (s *Shape) words() *Shape {
	for ; s.what == ""; s = s.to {
		if s.form != reference {
			return nil
		}
	}
	return s
}

// describe says what s takes: "a duration".
func (s *Shape) describe() string {
	if said := s.words(); said != nil {
		return said.what
	}
	switch s.form {
	case reference:
		return s.to.describe()
	case basic:
		switch s.kind {
		case source.String:
			return "a text"
		case source.Bool:
			return "true or false"
		}
		return "a number"
	case constant:
		return s.lit.Show()
	case pattern:
		return "a text"
	case bounded:
		return "a number"
	case structure:
		return "a map"
	case sequence:
		return "a list"
	case conjunction:
		return s.subs[0].describe()
	case disjunction:
		var all []string
		for _, sub := range s.subs {
			if d := sub.describe(); len(all) == 0 || all[len(all)-1] != d {
				all = append(all, d)
			}
		}
		return oneOf(all)
	}
	return "a value"
}

// got says what v is.
func (w *walker) got(v *source.Value) string {
	switch v.Kind {
	case source.None:
		return "nothing"
	case source.List:
		return "a list"
	case source.Map:
		return "a map"
	}
	switch {
	case w.secret:
		return "something else"
	case v.Kind == source.String:
		return "the text " + v.Show()
	case v.Kind == source.Bool:
		return v.Show()
	}
	return "the number " + v.Show()
}

// marked is what a diagnostic about a whole map or list points at: the key it
// stands under, else its beginning.
func marked(v *source.Value, owner *source.Key) *source.Value {
	if owner == nil || &owner.Value != v {
		return v
	}
	return &source.Value{Pos: owner.Pos, End: owner.End}
}

func ownerName(owner *source.Key) string {
	if owner == nil {
		return "this"
	}
	return strconv.Quote(owner.Name)
}

// mapName names a map: the key it stands under, else what it is.
func mapName(v *source.Value, words *Shape, owner *source.Key) string {
	if owner != nil && &owner.Value == v || words.what == "" {
		return ownerName(owner)
	}
	return words.what
}

// wrongType reports a value of a kind s does not take.
func (w *walker) wrongType(v *source.Value, s *Shape, owner *source.Key) {
	expected := s.describe()
	if expected == "a number" && v.Kind == source.Number && strings.Contains(v.S, ".") {
		expected = "a whole number"
	}
	if s.like != "" && !strings.HasPrefix(s.like, "like") {
		expected += " (" + s.like + ")"
	}
	d := v.Problem(source.WrongType, "expected %s, got %s", expected, w.got(v))
	if owner != nil {
		d.Message = ownerName(owner) + ": " + d.Message
	}
	if !w.secret {
		d.Hint = w.typeHint(v, s)
	}
	w.add(d)
}

// typeHint guesses what was meant by a value of the wrong kind.
func (w *walker) typeHint(v *source.Value, s *Shape) string {
	takes := func(k source.ValueKind) bool { return s.kinds()&(1<<k) != 0 }
	onlyList := s.kinds() == 1<<source.List
	digits := v.S != "" && strings.Trim(v.S, "0123456789") == ""
	switch v.Kind {
	case source.Map:
		if onlyList {
			return `each item of a list begins with "- "`
		}
	case source.Int, source.Number:
		switch text := v.Show(); {
		case w.accepts(text, s) && v.End-v.Pos.Col > len(text): // +49 is the number 49
			return "put it in quotes, with all that is written"
		case w.accepts(text, s):
			return "put it in quotes: " + strconv.Quote(text)
		case w.accepts(text+"s", s):
			return "write its unit: " + text + "s"
		case w.accepts(text+"/s", s):
			return "write its unit: " + text + "/s"
		}
	case source.String:
		if takes(source.Int) && digits || takes(source.Bool) && (v.S == "true" || v.S == "false") {
			return "write it without quotes: " + v.S
		}
		if takes(source.Bool) && isYes(v.S) {
			return "the words are true and false"
		}
	}
	if onlyList && s.items()&(1<<v.Kind) != 0 {
		return "write a list: [" + strings.Trim(v.Show(), `"`) + "]"
	}
	return ""
}

// accepts says whether a text is no mistake.
func (w *walker) accepts(text string, s *Shape) bool {
	trial := walker{Options: w.Options, secret: w.secret}
	trial.check(&source.Value{Kind: source.String, S: text}, s, nil)
	return len(trial.diags) == 0
}

func isYes(s string) bool {
	switch strings.ToLower(s) {
	case "yes", "no", "on", "off", "true", "false":
		return true
	}
	return false
}

// noMap reports what stands where a map should.
func (w *walker) noMap(v *source.Value, s, words *Shape, owner *source.Key) {
	before := len(w.diags)
	w.wrongType(v, words, owner)
	d := &w.diags[before]
	_, known := s.index[v.S]
	must := s.required()
	switch {
	case w.secret:
	case s.one && v.Kind == source.String && known:
		d.Hint = `an action is a map: "` + v.S + `: {}"`
	case v.Kind == source.None && owner != nil && len(must) == 0:
		d.Hint = `write "` + owner.Name + `: {}"`
	case len(must) == 1 && must[0].shape.kinds()&(1<<v.Kind) != 0 && owner != nil:
		d.Hint = "write {" + must[0].name + ": " + v.Show() + "}"
	}
}

// required are the fields a structure needs.
func (s *Shape) required() []*field {
	var all []*field
	for i := range s.fields {
		if s.fields[i].required {
			all = append(all, &s.fields[i])
		}
	}
	return all
}

// items are the kinds that stand in a list.
func (s *Shape) items() int {
	if s = s.meant(); s.form != sequence || s.rest == nil {
		return 0
	}
	return s.rest.kinds()
}

func (s *Shape) keyNames() []string {
	names := make([]string, 0, len(s.fields))
	for i := range s.fields {
		names = append(names, s.fields[i].name)
	}
	return names
}

// meant is what a reference, or one to that, is to.
func (s *Shape) meant() *Shape {
	for s.form == reference {
		s = s.to
	}
	return s
}

// Entries is the shape of what stands under any name in the map that a structure has under a key.
func (s *Shape) Entries(key string) *Shape {
	return s.fields[s.index[key]].shape.meant().value.meant()
}

// Keys are the keys of a structure, in the schema's order.
func (s *Shape) Keys() []string { return s.keyNames() }

// unknownKeys reports keys of a map that no field has: one that is like another, near, or all
// that are like none. These are one mistake, as when a map stands under another name than its own.
func (w *walker) unknownKeys(keys []*source.Key, s *Shape, owner, near string) {
	known, k := s.keyNames(), keys[0]
	names, are, plural := strconv.Quote(k.Name), "is not a", ""
	if len(keys) > 1 {
		names, are, plural = quoted(keys), "are not", "s"
	}
	if s.noun != "key" {
		d := k.Problem(nounCodes[s.noun], "%s %s known %s%s%s", names, are, s.noun, plural, near)
		switch {
		case near == "" && len(known) < 8:
			d.Hint = "known: " + list(known, 8)
		case s.noun == "action" && (k.Name == "do" || k.Name == "match"):
			d.Hint = "here stand steps; only rules have match and do"
		}
		w.add(d)
		return
	}
	d := k.Problem(source.UnknownKey, "%s %s key%s of %s%s", names, are, plural, owner, near)
	switch {
	case len(known) == 0:
		d.Message = owner + " takes no arguments"
	case near == "":
		d.Hint = "known: " + list(known, 16)
	}
	w.add(d)
}

// quoted lists the names of keys.
func quoted(keys []*source.Key) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = strconv.Quote(k.Name)
	}
	return list(names, 16)
}

// refused words why a scalar of the right kind is not taken.
func (w *walker) refused(v *source.Value, s, words *Shape) source.Diagnostic {
	shown := v.Show()
	if w.secret {
		shown = "this"
	}
	if names := s.constants(); names != nil {
		what := "one of " + list(names, 16)
		if words.what != "" {
			what = words.what + " (" + list(names, 16) + ")"
		}
		return v.Problem(source.NotOneOf, "%s is not %s%s", shown, what, source.Meant(v.S, names))
	}
	low, high := s.limits()
	code, like := source.Malformed, words.like
	if (v.Kind == source.Int || v.Kind == source.Number) && low+high != "" {
		code = source.OutOfRange
		if like == "" {
			like = strings.TrimSpace(between(low, high))
		}
	}
	if like != "" {
		like = " (" + like + ")"
	}
	if code == source.OutOfRange && words.what == "" {
		return v.Problem(code, "%s is out of range%s", shown, like)
	}
	return v.Problem(code, "%s is not %s%s", shown, words.describe(), like)
}

// constants are the literals of an enumeration; nil when s is none.
func (s *Shape) constants() []string {
	switch s.form {
	case reference:
		return s.to.constants()
	case constant:
		return []string{strings.Trim(s.lit.Show(), `"`)}
	case disjunction:
		var all []string
		for _, sub := range s.subs {
			names := sub.constants()
			if names == nil && sub.kinds()&(1<<source.String) != 0 {
				return nil
			}
			all = append(all, names...)
		}
		return all
	}
	return nil
}

// limits are the bounds of a number; "" where there is none.
func (s *Shape) limits() (low, high string) {
	switch s.form {
	case reference:
		return s.to.limits()
	case bounded:
		n := strconv.FormatInt(s.bound, 10)
		if s.op == token.GEQ {
			return n, ""
		}
		return "", n
	case conjunction, disjunction:
		for _, sub := range s.subs {
			l, h := sub.limits()
			if l != "" {
				low = l
			}
			if h != "" {
				high = h
			}
		}
	}
	return low, high
}

func between(low, high string) string {
	switch {
	case low == "":
		return "at most " + high
	case high == "":
		return "at least " + low
	}
	return low + " to " + high
}

func (s *Shape) within(n float64) bool {
	if s.op == token.GEQ {
		return n >= float64(s.bound)
	}
	return n <= float64(s.bound)
}

// list names all of some, the first ones of many: "a, b, c, …".
func list(names []string, most int) string {
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// oneOf is "a", "a or b", "a, b or c".
func oneOf(names []string) string {
	names = slices.Compact(slices.Clone(names))
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
