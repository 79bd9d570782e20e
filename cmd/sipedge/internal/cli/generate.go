package cli

import (
	"fmt"
	"strings"

	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/router"
	"sipedge/router/check"
	"sipedge/router/policytest"
	"sipedge/schema"
)

// generate writes a starter test of a policy: of each rule that requests reach, an
// example of one.
func generate(s System, path string) error {
	doc, src, diags, err := schema.Load(path, s.vocabulary())
	if err != nil {
		return unreachable(err)
	}
	if doc != nil {
		_, more := router.Compile(doc, router.Env{})
		diags = append(diags, more...)
	}
	if diags.HasErrors() {
		report(s, diags, src)
		return exit.With(exit.Problems, nil)
	}
	var witnesses []policytest.Witness
	for _, v := range check.Policy(doc).Verdicts {
		request := v.Route == "request" || strings.HasPrefix(v.Route, "sub ")
		if !request || v.Status != check.Reached || v.Example == nil {
			continue
		}
		name := v.Rule.Name
		if name == "" {
			name = fmt.Sprintf("%s rule %d", v.Route, v.Index+1)
		}
		witnesses = append(witnesses, policytest.Witness{
			Rule: name, Flow: v.Example.Flow, Text: v.Example.Text,
		})
	}
	if err := policytest.Generate(s.Stdout, path, doc, witnesses); err != nil {
		return unreachable(err)
	}
	return nil
}
