package schema

import (
	"fmt"
	"strconv"
	"strings"

	"cuelang.org/go/cue/token"
)

// This file words what the walker finds.

// nounCodes are the codes of unknown keys.
var nounCodes = map[string]Code{
	"key": UnknownKey, "action": UnknownAction, "matcher": UnknownMatch,
	"transport": UnknownTransport,
}

// words is the shape that says what s is called; nil none.
func (s *shape) words() *shape {
	for ; s.what == ""; s = s.to {
		if s.form != reference {
			return nil
		}
	}
	return s
}

// describe says what s takes: "a duration".
func (s *shape) describe() string {
	if said := s.words(); said != nil {
		return said.what
	}
	switch s.form {
	case reference:
		return s.to.describe()
	case basic:
		switch s.kind {
		case String:
			return "a text"
		case Bool:
			return "true or false"
		}
		return "a number"
	case constant:
		return s.lit.show()
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

// show is a scalar as a message quotes it.
func (v *Value) show() string {
	switch v.Kind {
	case Int:
		return strconv.FormatInt(v.N, 10)
	case Bool:
		return strconv.FormatBool(v.B)
	case number:
		return v.S
	}
	s := v.S
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:57], "") + "…"
	}
	return strconv.Quote(s)
}

// got says what v is.
func (w *walker) got(v *Value) string {
	switch v.Kind {
	case None:
		return "nothing"
	case List:
		return "a list"
	case Map:
		return "a map"
	}
	name := map[ValueKind]string{String: "the text", Int: "the number", number: "the number"}[v.Kind]
	if w.secret {
		return "something else"
	}
	return strings.TrimSpace(name + " " + v.show())
}

// marked is what a diagnostic about a whole map or list points at: the key it
// stands under, else its beginning.
func marked(v *Value, owner *Key) *Value {
	if owner == nil || &owner.Value != v {
		return v
	}
	return &Value{Pos: owner.Pos, end: owner.end}
}

func ownerName(owner *Key) string {
	if owner == nil {
		return "this"
	}
	return strconv.Quote(owner.Name)
}

// mapName names a map: the key it stands under, else what it is.
func mapName(v *Value, words *shape, owner *Key) string {
	if owner != nil && &owner.Value == v || words.what == "" {
		return ownerName(owner)
	}
	return words.what
}

// wrongType reports a value of a kind s does not take.
func (w *walker) wrongType(v *Value, s *shape, owner *Key) {
	expected := s.describe()
	if s.like != "" && !strings.HasPrefix(s.like, "like") {
		expected += " (" + s.like + ")"
	}
	d := v.Problem(WrongType, "expected %s, got %s", expected, w.got(v))
	if owner != nil {
		d.Message = ownerName(owner) + ": " + d.Message
	}
	kinds := s.kinds()
	switch {
	case w.secret:
	case (v.Kind == Int || v.Kind == number) && kinds&(1<<String) != 0:
		d.Hint = "put it in quotes: " + strconv.Quote(v.show())
	case v.Kind == String && kinds&(1<<Int) != 0 && v.S != "" && strings.Trim(v.S, "0123456789") == "":
		d.Hint = "write it without quotes: " + v.S
	case v.Kind == String && kinds&(1<<Bool) != 0 && isYes(v.S):
		d.Hint = "the words are true and false"
	case kinds == 1<<List && (v.Kind == String || v.Kind == Int) && s.items()&(1<<v.Kind) != 0:
		d.Hint = "write a list: [" + strings.Trim(v.show(), `"`) + "]"
	case kinds == 1<<List && v.Kind == Map:
		d.Hint = `each item of a list begins with "- "`
	}
	w.add(d)
}

func isYes(s string) bool {
	switch strings.ToLower(s) {
	case "yes", "no", "on", "off", "true", "false":
		return true
	}
	return false
}

// noMap reports what stands where a map should.
func (w *walker) noMap(v *Value, s, words *shape, owner *Key) {
	before := len(w.diags)
	w.wrongType(v, words, owner)
	d := &w.diags[before]
	_, known := s.index[v.S]
	must := s.required()
	switch {
	case w.secret:
	case s.one && v.Kind == String && known:
		d.Hint = `an action is a map: "` + v.S + `: {}"`
	case v.Kind == None && owner != nil && len(must) == 0:
		d.Hint = `write "` + owner.Name + `: {}"`
	case len(must) == 1 && must[0].shape.kinds()&(1<<v.Kind) != 0 && owner != nil:
		d.Hint = "write {" + must[0].name + ": " + v.show() + "}"
	}
}

// required are the fields a structure needs.
func (s *shape) required() []*field {
	var all []*field
	for i := range s.fields {
		if s.fields[i].required {
			all = append(all, &s.fields[i])
		}
	}
	return all
}

// items are the kinds that stand in a list.
func (s *shape) items() int {
	for s.form == reference {
		s = s.to
	}
	if s.form != sequence || s.rest == nil {
		return 0
	}
	return s.rest.kinds()
}

func (s *shape) keyNames() []string {
	names := make([]string, 0, len(s.fields))
	for i := range s.fields {
		names = append(names, s.fields[i].name)
	}
	return names
}

// unknownKey reports a key that no field has.
func (w *walker) unknownKey(v *Value, k *Key, s, words *shape, owner *Key, near string) {
	known := s.keyNames()
	if s.noun != "key" {
		d := k.Problem(nounCodes[s.noun], "%q is not a known %s%s", k.Name, s.noun, near)
		if near == "" && len(known) < 8 {
			d.Hint = "known: " + list(known, 8)
		}
		w.add(d)
		return
	}
	d := k.Problem(UnknownKey, "%q is not a key of %s%s", k.Name, mapName(v, words, owner), near)
	switch {
	case len(known) == 0:
		d.Message = fmt.Sprintf("%s takes no arguments", mapName(v, words, owner))
	case near == "":
		d.Hint = "known: " + list(known, 16)
	}
	w.add(d)
}

// refused words why a scalar of the right kind is not taken.
func (w *walker) refused(v *Value, s, words *shape) Diagnostic {
	shown := v.show()
	if w.secret {
		shown = "this"
	}
	if names := s.constants(); names != nil {
		what := "one of " + list(names, 16)
		if words.what != "" {
			what = words.what + " (" + list(names, 16) + ")"
		}
		return v.Problem(NotOneOf, "%s is not %s%s", shown, what, Meant(v.S, names))
	}
	low, high := s.limits()
	code, like := Malformed, words.like
	if (v.Kind == Int || v.Kind == number) && low+high != "" {
		code = OutOfRange
		if like == "" {
			like = strings.TrimSpace(between(low, high))
		}
	}
	if like != "" {
		like = " (" + like + ")"
	}
	if code == OutOfRange && words.what == "" {
		return v.Problem(code, "%s is out of range%s", shown, like)
	}
	return v.Problem(code, "%s is not %s%s", shown, words.describe(), like)
}

// constants are the literals of an enumeration; nil when s is none.
func (s *shape) constants() []string {
	switch s.form {
	case reference:
		return s.to.constants()
	case constant:
		return []string{strings.Trim(s.lit.show(), `"`)}
	case disjunction:
		var all []string
		for _, sub := range s.subs {
			names := sub.constants()
			if names == nil && sub.kinds()&(1<<String) != 0 {
				return nil
			}
			all = append(all, names...)
		}
		return all
	}
	return nil
}

// limits are the bounds of a number; "" where there is none.
func (s *shape) limits() (low, high string) {
	switch s.form {
	case reference:
		return s.to.limits()
	case bounded:
		n := strconv.FormatInt(s.bound, 10)
		if s.op == token.GEQ || s.op == token.GTR {
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

func (s *shape) within(n float64) bool {
	bound := float64(s.bound)
	switch s.op {
	case token.GEQ:
		return n >= bound
	case token.LEQ:
		return n <= bound
	case token.GTR:
		return n > bound
	}
	return n < bound
}
