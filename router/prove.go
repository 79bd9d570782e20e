package router

import (
	"sipedge/router/check"
	"sipedge/schema"
)

// Prove is Compile with the proofs of package check: what validate goes by. The Policy is
// nil also when a proof refuses it.
func Prove(doc *schema.Document, env Env) (*Policy, schema.Diagnostics) {
	p, diags := Compile(doc, env)
	return proved(p, doc, diags)
}

// Prove is Compile with the proofs of package check: what serve and reload go by.
func (r *Router) Prove(doc *schema.Document) (*Policy, schema.Diagnostics) {
	p, diags := r.Compile(doc)
	return proved(p, doc, diags)
}

// proved adds what the proofs find of a policy that compiled.
func proved(p *Policy, doc *schema.Document, diags schema.Diagnostics) (
	*Policy, schema.Diagnostics,
) {
	if p == nil {
		return nil, diags
	}
	diags = append(diags, check.Policy(doc).Diagnostics...)
	if diags.Sort(); diags.HasErrors() {
		return nil, diags
	}
	return p, diags
}
