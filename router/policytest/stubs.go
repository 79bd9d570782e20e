package policytest

import (
	"slices"
	"strings"
	"time"

	"sipedge/backends"
	"sipedge/router/scene"
	"sipedge/schema"
)

// stubs reads what stands for the backends of the policy: what a case says, besides what the
// file does. A database that fails in a case had before what it has in the file.
func (f *File) stubs(out *scene.Outside, own *schema.Value) (diags schema.Diagnostics) {
	users := stubUsers(besides(f.root.Get("users"), own.Get("users")))
	out.Numbers = stubNumbers(besides(f.root.Get("enum"), own.Get("enum")))
	diags = bound(out, besides(f.root.Get("bindings"), own.Get("bindings")))
	diags = append(diags, f.down(out, besides(f.root.Get("gateways"), own.Get("gateways")))...)
	common := f.root.Get("backends")
	given := besides(common, own.Get("backends"))
	tables := map[string]map[string][]map[string]backends.Value{}
	fails := map[string]bool{}
	for i := range given.Keys {
		k := &given.Keys[i]
		d, wrong := f.backend(k)
		if diags = append(diags, wrong...); wrong != nil {
			continue
		}
		has := &k.Value
		if fails[k.Name] = k.S == "fails"; fails[k.Name] {
			has = common.Get(k.Name)
		} else if d.Inside {
			diags = append(diags, k.Problem(schema.BadTest,
				"%q is no database; `bindings` gives what it has", k.Name))
		}
		tables[k.Name] = stubTables(has)
	}
	slow, wrong := f.slow(besides(f.root.Get("slow"), own.Get("slow")))
	diags = append(diags, wrong...)
	out.Stubs = func(name string, inside bool) backends.Backend {
		switch {
		case !inside:
			return &backends.Stub{
				Tables: tables[name], Users: users, Fails: fails[name], Takes: slow[name],
			}
		case fails[name]:
			return backends.Unanswering{}
		}
		return nil
	}
	return diags
}

// slow reads how long databases take to answer.
func (f *File) slow(v *schema.Value) (map[string]time.Duration, schema.Diagnostics) {
	var diags schema.Diagnostics
	takes := map[string]time.Duration{}
	for i := range v.Keys {
		k := &v.Keys[i]
		d, wrong := f.backend(k)
		diags = append(diags, wrong...)
		if wrong == nil && (d.Inside || d.Relays) {
			diags = append(diags, k.Problem(schema.BadTest, "%q is no database: it takes no time", k.Name))
		}
		takes[k.Name] = k.Duration()
	}
	return takes, diags
}

// down reads which gateways can't be used.
func (f *File) down(out *scene.Outside, v *schema.Value) (diags schema.Diagnostics) {
	for i := range v.Keys {
		k := &v.Keys[i]
		var known []string
		f.doc.Gateways.Get(k.Name).Get("destinations").Each(func(v *schema.Value) {
			known = append(known, v.Get("uri").S)
		})
		if known == nil {
			diags = append(diags, k.Problem(schema.UnknownGateways,
				"the policy has no set of gateways %q", k.Name))
		}
		if k.S == "down" {
			out.Down = append(out.Down, scene.Down{Set: k.Name})
			continue
		}
		k.Each(func(v *schema.Value) {
			if !slices.Contains(known, v.S) {
				diags = append(diags, v.Problem(schema.UnknownGateways,
					"%s has no gateway %q%s", k.Name, v.S, schema.Meant(v.S, known)))
			}
			out.Down = append(out.Down, scene.Down{Set: k.Name, URI: v.S})
		})
	}
	return diags
}

// besides is a map with the keys of common and of own, which count where both have one.
func besides(common, own *schema.Value) *schema.Value {
	all := schema.Value{Kind: schema.Map, Keys: slices.Clone(own.Keys)}
	for _, k := range common.Keys {
		if !own.Has(k.Name) {
			all.Keys = append(all.Keys, k)
		}
	}
	return &all
}

// backend finds the driver of a backend of the policy.
func (f *File) backend(k *schema.Key) (d backends.Driver, diags schema.Diagnostics) {
	var known []string
	for i := range f.doc.Backends {
		if b := &f.doc.Backends[i]; b.Name == k.Name {
			d, _ = b.Maker.(backends.Driver)
			return d, nil
		}
		known = append(known, f.doc.Backends[i].Name)
	}
	return d, schema.Diagnostics{k.Problem(schema.UnknownBackend,
		"the policy has no backend %q%s", k.Name, schema.Meant(k.Name, known))}
}

func stubNumbers(v *schema.Value) scene.Numbers {
	numbers := scene.Numbers{}
	for i := range v.Keys {
		k := &v.Keys[i]
		if k.S == "fails" {
			numbers[k.Name] = nil
			continue
		}
		numbers[k.Name] = []string{}
		k.Each(func(uri *schema.Value) { numbers[k.Name] = append(numbers[k.Name], uri.S) })
	}
	return numbers
}

func stubUsers(v *schema.Value) (users []backends.StubUser) {
	for i := range v.Keys {
		k := &v.Keys[i]
		u := backends.StubUser{Password: passwordOf(&k.Value), Columns: cells(k.Get("columns"))}
		u.Name, u.Domain = splitUser(k.Name)
		users = append(users, u)
	}
	return users
}

func passwordOf(v *schema.Value) string {
	if v.Kind == schema.Map {
		return v.Get("password").S
	}
	return v.S
}

func splitUser(name string) (user, domain string) {
	if at := strings.LastIndexByte(name, '@'); at >= 0 {
		return name[:at], name[at+1:]
	}
	return name, ""
}

// bound reads bindings.
func bound(out *scene.Outside, v *schema.Value) (diags schema.Diagnostics) {
	for i := range v.Keys {
		k := &v.Keys[i]
		if user, domain := splitUser(k.Name); user == "" || domain == "" {
			diags = append(diags, k.Problem(schema.BadTest,
				"%q is no address of record; write it like alice@example.net", k.Name))
		}
		k.Each(func(v *schema.Value) {
			b := scene.Bound{AOR: k.Name, Contact: v.S, Q: 1000}
			if v.Kind == schema.Map {
				b.Contact, b.Received = v.Get("contact").S, v.Get("received").S
				if q, ok := v.Get("q").Number(); ok {
					b.Q = int(q*1000 + 0.5)
				}
			}
			out.Bound = append(out.Bound, b)
		})
	}
	return diags
}

func stubTables(v *schema.Value) map[string][]map[string]backends.Value {
	tables := map[string][]map[string]backends.Value{}
	for i := range v.Keys {
		for j := range v.Keys[i].Items {
			name := v.Keys[i].Name
			tables[name] = append(tables[name], cells(&v.Keys[i].Items[j]))
		}
	}
	return tables
}

// cells reads a row; what is no text and no number is NULL.
func cells(v *schema.Value) map[string]backends.Value {
	row := map[string]backends.Value{}
	for i := range v.Keys {
		switch k := &v.Keys[i]; k.Kind {
		case schema.String:
			row[k.Name] = k.S
		case schema.Int:
			row[k.Name] = k.N
		case schema.Number:
			row[k.Name], _ = k.Number()
		}
	}
	return row
}
