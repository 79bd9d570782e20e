package policytest

import (
	"slices"

	"sipedge/router/trace"
	"sipedge/schema"
)

// lists calls fn for every list of rules, with its type and name.
func lists(doc *schema.Document, fn func(of schema.Place, name string, rules []schema.Rule)) {
	r := &doc.Routes
	for _, l := range []struct {
		of    schema.Place
		rules []schema.Rule
	}{
		{schema.InRequest, r.Request}, {schema.InError, r.Error},
		{schema.InLocal, r.Local}, {schema.InStartup, r.Startup},
	} {
		fn(l.of, l.of.String(), l.rules)
	}
	for _, l := range []struct {
		of     schema.Place
		routes []schema.Route
	}{
		{schema.InSub, r.Sub}, {schema.InBranch, r.Branch},
		{schema.InFailure, r.Failure}, {schema.InReply, r.Reply},
	} {
		for i := range l.routes {
			fn(l.of, l.routes[i].Name, l.routes[i].Rules)
		}
	}
	for i := range r.Timer {
		fn(schema.InTimer, r.Timer[i].Name, r.Timer[i].Rules)
	}
}

// ruleNames is every way in which a path may name a rule, sorted.
func ruleNames(doc *schema.Document) (names []string) {
	lists(doc, func(of schema.Place, route string, rules []schema.Rule) {
		for i := range rules {
			rule := trace.PathItem{Type: of.String(), Route: route, Name: rules[i].Name, Number: i + 1}
			names = append(names, rule.Names()...)
		}
	})
	slices.Sort(names)
	return names
}
