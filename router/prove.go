package router

import (
	"sipedge/backends"
	"sipedge/router/check"
	"sipedge/schema"
	"sipedge/sip/transport"
)

// Prove is Compile with the proofs of package check: what validate goes by. The Policy is
// nil also when a proof refuses it.
func Prove(doc *schema.Document, env Env) (*Policy, schema.Diagnostics) {
	p, diags := Compile(doc, env)
	if p == nil {
		return nil, diags
	}
	diags = append(diags, check.Policy(doc).Diagnostics...)
	if diags.Sort(); diags.HasErrors() {
		return nil, diags
	}
	return p, diags
}

// Ground is what a policy stands on and another may stand on otherwise.
type Ground struct {
	Listeners []transport.Listener // as Sender.Listeners will be when the policy runs
	Services  *backends.Services
}

// Prove is Compile with the proofs of package check: what serve and reload go by.
func (r *Router) Prove(doc *schema.Document, on Ground) (*Policy, schema.Diagnostics) {
	env := r.env()
	env.Listeners = on.Listeners
	env.Locations, env.Databases = on.Services.Locations, on.Services.Database
	env.Subscribers, env.Media = on.Services.Subscribers, on.Services.MediaOf
	return Prove(doc, env)
}
