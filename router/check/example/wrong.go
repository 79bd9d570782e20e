package example

import (
	"slices"
	"strings"

	"sipedge/router/check/formula"
	"sipedge/router/check/pattern"
	"sipedge/sip"
)

// wrong is a way to make a request malformed.
type wrong struct {
	class       string // of the parser's error
	name, value string // a header field that is to be so
	line        string // one more line, or several
	behind      string // what stands behind the Request-URI
	version     string
	blurs       func(formula.Lit) bool // literals that then make no sense
}

func blursHeader(names ...string) func(formula.Lit) bool {
	return func(l formula.Lit) bool {
		return l.Kind == formula.Header && slices.Contains(names, l.Name)
	}
}

func blursRole(r formula.Role, name string) func(formula.Lit) bool {
	return func(l formula.Lit) bool {
		return l.OfURI(r) || l.Kind == formula.InDialog ||
			l.Kind == formula.Header && l.Name == name
	}
}

func blursBody(l formula.Lit) bool {
	switch l.Kind {
	case formula.BodyType, formula.Session, formula.Private, formula.Media, formula.Size:
		return true
	}
	return l.Kind == formula.Header && l.Name == "Content-Length"
}

// wrongs are tried in this order.
var wrongs = []wrong{
	{class: "cseq", name: "CSeq", value: "x", blurs: blursHeader("CSeq")},
	{class: "max-forwards", name: "Max-Forwards", value: "700", blurs: func(l formula.Lit) bool {
		return l.Kind == formula.MaxForwards || l.Kind == formula.Header && l.Name == "Max-Forwards"
	}},
	{class: "call-id", name: "Call-ID", value: "a b", blurs: blursHeader("Call-ID")},
	{class: "header", line: "Broken\r\n", blurs: blursHeader("Broken")},
	{class: "start-line", version: "3.0", blurs: blursHeader()},
	{class: "duplicate", line: "Call-ID: b\r\n", blurs: blursHeader("Call-ID")},
	{class: "uri", behind: "?a=b", blurs: blursRole(formula.OfRURI, "")},
	{class: "from", name: "From", value: "<", blurs: blursRole(formula.OfFrom, "From")},
	{class: "to", name: "To", value: "<", blurs: blursRole(formula.OfTo, "To")},
	{class: "via", name: "Via", value: "x", blurs: blursHeader("Via")},
	{class: "content-length", name: "Content-Length", value: "x", blurs: blursBody},
	{class: "body", name: "Content-Length", value: "99999", blurs: blursBody},
	{class: "limit", line: strings.Repeat("More: x\r\n", sip.MaxHeaders), blurs: blursHeader("More")},
}

// spoil makes the request malformed where no literal looks.
func (s *solver) spoil() pattern.Answer {
	classes, out := patterns(s.of(formula.ErrorClass)), nothing
	for _, w := range wrongs {
		switch {
		case !pattern.HoldAll(classes, w.class):
		case slices.ContainsFunc(s.lits, w.blurs):
			out = unsure
		default:
			s.m.wrong = w
			return found
		}
	}
	return out
}
