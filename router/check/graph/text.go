package graph

import (
	"strings"

	"sipedge/router/check/formula"
	"sipedge/router/check/pattern"
	"sipedge/schema"
	"sipedge/sip"
)

// Text is a template as far as it can be followed: the value of a slot between two others.
type Text struct {
	Known     bool
	Pre, Post string
	Of        *formula.Slot // nil: Pre alone
}

// Target is what a template makes of a URI.
type Target struct {
	User *Text    // nil: that of Rest
	Rest *sip.URI // nil: it is not known
}

// Constant reports whether a text is the author's alone.
func (t *Text) Constant() bool { return t.Known && t.Of == nil }

// Says is a formula, for the time when the template is written, that its text is one p holds
// for; nil: that can't be said.
func (t *Text) Says(p *pattern.Pattern) *formula.Node {
	switch {
	case !t.Known || t.Of != nil && t.Of.Kind == formula.Source:
		return nil
	case t.Of == nil:
		return formula.Truth(p.Holds(t.Pre))
	}
	q, ok := p.Within(pattern.Affix{Pre: t.Pre, Post: t.Post})
	if !ok {
		return nil
	}
	is := formula.Leaf(&formula.Atom{Slot: *t.Of, Text: q})
	if t.Of.Kind == formula.Variable || t.Of.Kind == formula.Header {
		absent := formula.Leaf(&formula.Atom{Slot: *t.Of, Presence: true}).Not()
		return formula.OneOf(is, formula.All(absent, formula.Truth(q.Holds(""))))
	}
	return is
}

// readValue reads what a variable or header field is set to.
func readValue(v *schema.Value) *Text {
	if v.Kind == schema.String {
		return ReadText(v.S)
	}
	return &Text{Known: true, Pre: strings.TrimSpace(v.Show())}
}

// ReadText reads a template: one field that a slot has at most.

func ReadText(s string) *Text {
	if !HasField(s) {
		return &Text{Known: true, Pre: plain(s)}
	}
	open, end := strings.Index(s, "{"), strings.IndexByte(s, '}')
	if strings.Contains(s, "{{") || end < open || HasField(s[end+1:]) {
		return &Text{}
	}
	of := slotOf(strings.TrimSpace(s[open+1 : end]))
	if of == nil {
		return &Text{}
	}
	return &Text{true, s[:open], plain(s[end+1:]), of}
}

// plain is a text without placeholders as it comes out.
func plain(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "{{", "{"), "}}", "}")
}

// HasField reports whether a template names a field.
func HasField(text string) bool {
	return strings.Contains(strings.ReplaceAll(text, "{{", ""), "{")
}

// slotOf is the slot whose text a field says; nil: none says just that.
func slotOf(field string) *formula.Slot {
	switch field {
	case "ruri.user":
		return &formula.Slot{Kind: formula.Written, Role: formula.OfRURI}
	case "from.user":
		return &formula.Slot{Kind: formula.Written, Role: formula.OfFrom}
	case "to.user":
		return &formula.Slot{Kind: formula.Written, Role: formula.OfTo}
	case "source.ip":
		return &formula.Slot{Kind: formula.Source}
	case "callid":
		return &formula.Slot{Kind: formula.Header, Name: "Call-ID"}
	case "user_agent":
		field = "headers.User-Agent"
	case "error.class":
		return &formula.Slot{Kind: formula.ErrorClass}
	}
	if strings.HasPrefix(field, "var.") || Kept(field) {
		if strings.Contains(field, "[") {
			return nil
		}
		return &formula.Slot{Kind: formula.Variable, Name: field}
	}
	name, ok := strings.CutPrefix(field, "headers.")
	if !ok {
		return nil
	}
	if !strings.Contains(name, "[") {
		name += "[0]"
	}
	slot, ok := formula.HeaderSlot(name)
	if id := sip.LookupHeader([]byte(slot.Name)); !ok || id.IsList() {
		return nil // a field may be several of its elements
	}
	return &slot
}

// ReadTarget reads a template of a URI.
func ReadTarget(s string) *Target {
	if !HasField(s) {
		if u, err := sip.ParseURI([]byte(plain(s))); err == nil {
			return &Target{Rest: &u}
		}
		return &Target{User: &Text{}}
	}
	unknown := &Target{User: &Text{}}
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || HasField(scheme) || scheme == "tel" {
		return unknown
	}
	user := ""
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, rest = rest[:at], rest[at+1:]
	}
	u, err := sip.ParseURI([]byte(scheme + ":x@" + plain(rest)))
	if HasField(rest) || err != nil {
		return unknown
	}
	return &Target{User: ReadText(user), Rest: &u}
}

// CutScheme cuts a URI before its host, and leaves the host of it.
func CutScheme(text string) (scheme, host string, ok bool) {
	scheme, host, ok = strings.Cut(text, ":")
	if !ok || HasField(scheme) {
		return "", "", false
	}
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	if end := strings.IndexAny(host, ";?"); end >= 0 {
		host = host[:end]
	}
	return scheme, host, host != ""
}
