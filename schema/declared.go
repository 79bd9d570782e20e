package schema

import "strings"

// declared is what a policy declares and names elsewhere, while its mentions are resolved.
type declared struct {
	tables, backends, certificates, gateways names

	users *Value
	known bool // the vocabulary has drivers
}

// names are those under one key of a policy.
type names struct {
	decls           *Value
	what, key       string
	unknown, unused Code
	used            map[string]bool
}

func newDeclared(root *Value, known bool) *declared {
	under := func(key, what string, unknown, unused Code) names {
		return names{root.Get(key), what, key, unknown, unused, map[string]bool{}}
	}
	return &declared{
		tables:   under("tables", "table", UnknownTable, UnusedTable),
		backends: under("backends", "backend", UnknownBackend, UnusedBackend),
		gateways: under("gateways", "set of gateways", UnknownGateways, UnusedGateways),
		certificates: under("certificates", "certificate",
			UnknownCertificate, UnusedCertificate),
		users: root.Get("users"),
		known: known,
	}
}

// table resolves the name of a table.
func (d *declared) table(v *Value) *Diagnostic { return d.tables.named(v) }

// cache resolves the name of a table that can be written to.
func (d *declared) cache(v *Value) *Diagnostic {
	if wrong := d.tables.named(v); wrong != nil {
		return wrong
	}
	decl := d.tables.decls.Get(v.S)
	if len(decl.Keys) == 1 && decl.Keys[0].Name != "cache" {
		return problem(v, WrongTable, "%q is a %s; only a cache can be written to",
			v.S, decl.Keys[0].Name)
	}
	return nil
}

// domains checks that a table of domains has keys that stand for themselves.
func (d *declared) domains(v *Value) *Diagnostic {
	in := v.Get("in")
	decl := d.tables.decls.Get(in.S)
	if len(decl.Keys) == 1 && decl.Keys[0].Name != "set" && decl.Keys[0].Name != "map" {
		return problem(in, WrongTable, "%q is a %s; domains are the keys of a set or a map",
			in.S, decl.Keys[0].Name)
	}
	return nil
}

// certificate resolves the name of a certificate.
func (d *declared) certificate(v *Value) *Diagnostic { return d.certificates.named(v) }

// backend resolves the name of a backend.
func (d *declared) backend(v *Value) *Diagnostic {
	if !d.known {
		return nil
	}
	return d.backends.named(v)
}

// whose resolves the name of a set of users, or of a backend that has some.
func (d *declared) whose(v *Value) *Diagnostic {
	if d.users.Has(v.S) {
		return nil
	}
	return d.backend(v)
}

// nameLetters are what #Name is made of.
const nameLetters = "abcdefghijklmnopqrstuvwxyz0123456789_"

func (n *names) named(v *Value) *Diagnostic {
	n.used[v.S] = true
	if n.decls.Has(v.S) {
		return nil
	}
	var known []string
	for i := range n.decls.Keys {
		name := n.decls.Keys[i].Name
		if strings.Trim(name, nameLetters) != "" {
			return nil // that one is refused, and may be the one that is meant
		}
		known = append(known, name)
	}
	d := problem(v, n.unknown, "there is no %s %q%s", n.what, v.S, Meant(v.S, known))
	if len(known) == 0 {
		d.Hint = n.key + " are declared under `" + n.key + "`"
	}
	return d
}

// unused warns of what nothing mentions.
func (d *declared) unused() (diags Diagnostics) {
	for _, n := range []*names{&d.tables, &d.backends, &d.certificates, &d.gateways} {
		for i := range n.decls.Keys {
			if k := &n.decls.Keys[i]; !n.used[k.Name] {
				p := k.Problem(n.unused, "nothing uses the %s %q", n.what, k.Name)
				p.Severity = Warning
				diags = append(diags, p)
			}
		}
	}
	return diags
}
