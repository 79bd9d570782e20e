package refine

import (
	"slices"
	"strings"

	"sipedge/schema/internal/shape"
	"sipedge/schema/internal/source"
)

// Names are what a policy declares and mentions elsewhere, while its mentions are resolved.
type Names struct {
	tables, backends, certificates, gateways group

	users *source.Value
	known bool     // the vocabulary has drivers
	kinds []string // of tables
}

// group is the names under one key of a policy.
type group struct {
	decls           *source.Value
	misnamed        bool // they may stand where something is refused
	what, key       string
	unknown, unused source.Code
	used            map[string]bool
}

// NewNames are those of a policy; s is the shape of policies, or nil: root is another form, which
// declares none. known: names of backends are resolved, too.
func NewNames(root *source.Value, s *shape.Shape, known bool) *Names {
	var kinds []string
	strange := false
	if s != nil {
		kinds = s.Entries("tables").Keys()
		strange = slices.ContainsFunc(root.Keys, func(k source.Key) bool {
			return !slices.Contains(s.Keys(), k.Name)
		})
	}
	under := func(key, what string, unknown, unused source.Code) group {
		decls := root.Get(key)
		misnamed := strange && !root.Has(key) ||
			decls.Kind != source.None && decls.Kind != source.Map
		return group{decls, misnamed, what, key, unknown, unused, map[string]bool{}}
	}
	return &Names{
		tables:   under("tables", "table", source.UnknownTable, source.UnusedTable),
		backends: under("backends", "backend", source.UnknownBackend, source.UnusedBackend),
		gateways: under("gateways", "set of gateways", source.UnknownGateways, source.UnusedGateways),
		certificates: under("certificates", "certificate",
			source.UnknownCertificate, source.UnusedCertificate),
		users: root.Get("users"),
		known: known,
		kinds: kinds,
	}
}

// kind is that of a table; "" there is none of a kind that is known.
func (n *Names) kind(name string) string {
	decl := n.tables.decls.Get(name)
	if len(decl.Keys) != 1 || decl.Keys[0].Kind == source.String ||
		!slices.Contains(n.kinds, decl.Keys[0].Name) {
		return ""
	}
	return decl.Keys[0].Name
}

// table resolves the name of a table of keys.
func (n *Names) table(v *source.Value) *source.Diagnostic {
	if wrong := n.tables.named(v); wrong != nil {
		return wrong
	}
	if n.kind(v.S) == "lcr" {
		return problem(v, source.WrongTable, "%q is a table of rates, for the action lcr alone", v.S)
	}
	return nil
}

// rates resolves the name of a table of rates, whose rows may name any set of gateways.
func (n *Names) rates(v *source.Value) *source.Diagnostic {
	if wrong := n.tables.named(v); wrong != nil {
		return wrong
	}
	if kind := n.kind(v.S); kind != "" && kind != "lcr" {
		return problem(v, source.WrongTable,
			"%q is a %s; rates are in a table of the kind lcr", v.S, kind)
	}
	if n.tables.decls.Get(v.S).Get("lcr").Get("values").Kind == source.None {
		for i := range n.gateways.decls.Keys {
			n.gateways.used[n.gateways.decls.Keys[i].Name] = true
		}
	}
	return nil
}

// cache resolves the name of a table that can be written to.
func (n *Names) cache(v *source.Value) *source.Diagnostic {
	if wrong := n.tables.named(v); wrong != nil {
		return wrong
	}
	if kind := n.kind(v.S); kind != "" && kind != "cache" {
		return problem(v, source.WrongTable, "%q is a %s; only a cache can be written to", v.S, kind)
	}
	return nil
}

// addresses resolves the name of a table of addresses.
func (n *Names) addresses(v *source.Value) *source.Diagnostic {
	if wrong := n.tables.named(v); wrong != nil {
		return wrong
	}
	if kind := n.kind(v.S); kind != "" && kind != "address" {
		return problem(v, source.WrongTable, "%q is a %s; this asks a table of addresses", v.S, kind)
	}
	return nil
}

// domains checks that a table of domains has keys that stand for themselves.
func (n *Names) domains(v *source.Value) *source.Diagnostic {
	in := v.Get("in")
	if kind := n.kind(in.S); kind != "" && kind != "set" && kind != "map" {
		return problem(in, source.WrongTable, "%q is a %s; domains are the keys of a set or a map",
			in.S, kind)
	}
	return nil
}

// groups checks that a table has the groups that are asked of it.
func (n *Names) groups(v *source.Value) *source.Diagnostic {
	in, group := v.Get("in"), v.Get("group")
	kind := n.kind(in.S)
	if group.Kind != source.None && kind != "" && kind != "address" {
		return problem(group, source.WrongTable, "%q is a %s; only an address table has groups",
			in.S, kind)
	}
	return nil
}

// certificate resolves the name of a certificate.
func (n *Names) certificate(v *source.Value) *source.Diagnostic { return n.certificates.named(v) }

// backend resolves the name of a backend.
func (n *Names) backend(v *source.Value) *source.Diagnostic {
	if !n.known {
		return nil
	}
	return n.backends.named(v)
}

// whose resolves the name of a set of users, or of a backend that has some.
func (n *Names) whose(v *source.Value) *source.Diagnostic {
	if n.users.Has(v.S) {
		return nil
	}
	return n.backend(v)
}

// nameLetters are what #Name is made of.
const nameLetters = "abcdefghijklmnopqrstuvwxyz0123456789_"

func (g *group) named(v *source.Value) *source.Diagnostic {
	g.used[v.S] = true
	if g.misnamed || g.decls.Has(v.S) {
		return nil
	}
	var known []string
	for i := range g.decls.Keys {
		name := g.decls.Keys[i].Name
		if strings.Trim(name, nameLetters) != "" {
			return nil // that one is refused, and may be the one that is meant
		}
		known = append(known, name)
	}
	d := problem(v, g.unknown, "there is no %s %q%s", g.what, v.S, source.Meant(v.S, known))
	if len(known) == 0 {
		d.Hint = g.key + " are declared under `" + g.key + "`"
	}
	return d
}

// Unused warns of what nothing mentions.
func (n *Names) Unused() (diags source.Diagnostics) {
	for _, g := range []*group{&n.tables, &n.backends, &n.certificates, &n.gateways} {
		for i := range g.decls.Keys {
			if k := &g.decls.Keys[i]; !g.used[k.Name] {
				p := k.Problem(g.unused, "nothing uses the %s %q", g.what, k.Name)
				p.Severity = source.Warning
				diags = append(diags, p)
			}
		}
	}
	return diags
}
