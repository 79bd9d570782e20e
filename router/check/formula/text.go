package formula

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sipedge/router/check/pattern"
	"sipedge/schema"
	"sipedge/sip"
)

// how texts of a slot are compared.
type how struct {
	fold      bool                // without case
	canonical func(string) string // the form of exact texts; nil: as written
}

// CanonicalHost is a host in the form in which hosts are compared.
func CanonicalHost(s string) string {
	if a, ok := sip.ParseAddr([]byte(s)); ok {
		return a.Unmap().String()
	}
	return pattern.Lower(strings.TrimSuffix(s, "."))
}

// rows are the keys of a table as a text is looked up in it.
func (f *Formulas) rows(name string) (keys []string, prefixes, ok bool) {
	t := f.Tables[name]
	if t == nil || t.Kind == "cidr" || t.Kind == "address" {
		return nil, false, false
	}
	for i := range t.Rows {
		keys = append(keys, t.Rows[i].Key.S)
	}
	return keys, t.Kind == "prefix", true
}

// patterns reads a #Str; nil: it asks a table whose rows are not known.
func (f *Formulas) patterns(v *schema.Value, h how) []*pattern.Pattern {
	list, ok := pattern.Read(v, h.fold, h.canonical, f.rows)
	if !ok {
		return nil
	}
	return list
}

// texts makes the formula of a #Str.
func (f *Formulas) texts(s Slot, what string, v *schema.Value, h how) Part {
	if list := f.patterns(v, h); list != nil {
		out := &Node{Some: true}
		for _, p := range list {
			out.Kids = append(out.Kids, Leaf(&Atom{Slot: s, Text: p}))
		}
		return Part{Node: out, Rest: v}
	}
	p := f.Opaque(why(what, v), what+Show(v))
	if v.Kind == schema.Map { // what else it asks is decided
		left := *v
		left.Keys = slices.DeleteFunc(slices.Clone(v.Keys), func(k schema.Key) bool {
			return k.Name == "in"
		})
		more := slices.ContainsFunc(left.Keys, func(k schema.Key) bool { return k.Name != "ignore_case" })
		if list := f.patterns(&left, h); more && list != nil {
			p.Node, p.Rest = All(Leaf(&Atom{Slot: s, Text: list[0]}), p.Node), &left
		}
	}
	return p
}

// address makes the formula of a #URI.
func (f *Formulas) address(r Role, v *schema.Value) Part {
	of := [...]string{"uri.", "from.", "to.", "contact."}[r]
	return parts(v, func(k *schema.Key) Part {
		switch k.Name {
		case "myself":
			n := Leaf(&Atom{Slot: Slot{Kind: Myself, Role: r}}).When(k.B)
			return Part{Node: n, Rest: &k.Value}
		case "scheme":
			n := names(Scheme, &k.Value)
			n.Lit.Role = r
			return Part{Node: n, Rest: &k.Value}
		case "user":
			return f.texts(Slot{Kind: User, Role: r}, of+"user", &k.Value, how{})
		case "host":
			return f.texts(Slot{Kind: Host, Role: r}, of+"host", &k.Value, how{true, CanonicalHost})
		case "port":
			return Part{Node: numbers(Slot{Kind: Port, Role: r}, &k.Value), Rest: &k.Value}
		}
		return parts(&k.Value, func(k *schema.Key) Part {
			s := Slot{Kind: Param, Role: r, Name: pattern.Lower(k.Name)}
			if k.Kind == schema.Bool {
				return Part{Node: Leaf(&Atom{Slot: s, Presence: true}).When(k.B), Rest: &k.Value}
			}
			return f.texts(s, of+"params."+k.Name, &k.Value, how{fold: true})
		})
	})
}

// contact makes the formula of a #URI that some Contact must match as a whole.
func (f *Formulas) contact(v *schema.Value) Part {
	p := f.address(OfContact, v)
	if p.Open != nil {
		return f.Opaque(p.Open[0].Atom.Why, "contact"+Show(v))
	}
	return Part{Node: Leaf(&Atom{Slot: Slot{Kind: Contact}, Sub: p.Node}), Rest: v}
}

// header makes the formula of a header field.
func (f *Formulas) header(k *schema.Key) Part {
	s, ok := HeaderSlot(k.Name)
	present := Leaf(&Atom{Slot: s, Presence: true})
	switch id := sip.LookupHeader([]byte(s.Name)); {
	case !ok || s.One && slices.Contains(Once, id):
		present = Never // there are not so many
		if k.Kind != schema.Bool {
			return Part{Node: Never, Rest: &k.Value}
		}
	case !s.One && (id == sip.Via || slices.Contains(Once[:4], id)):
		present = Always
	}
	if k.Kind == schema.Bool {
		return Part{Node: present.When(k.B), Rest: &k.Value}
	}
	return f.texts(s, "headers."+k.Name, &k.Value, how{})
}

// HeaderSlot reads X-A, X-A[0], X-A[-1]. Of header fields that there is one of, the first
// and the last are the same. ok false: it is no name.
func HeaderSlot(text string) (s Slot, ok bool) {
	name, index, one := strings.Cut(text, "[")
	id := sip.LookupHeader([]byte(name))
	s = Slot{Kind: Header, Name: capital(name), One: one}
	if id != sip.HeaderOther {
		s.Name = id.String()
	}
	if one {
		n, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if ok, s.Index = err == nil, n; !ok {
			return s, false
		}
		if (n == 0 || n == -1) && slices.Contains(Once, id) {
			s.One, s.Index = false, 0
		}
	}
	return s, true
}

// capital is a name as header fields are mostly written: X-Account-Id.
func capital(name string) string {
	parts := strings.Split(pattern.Lower(name), "-")
	for i, p := range parts {
		if p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "-")
}

// variable makes the formula of the test of a variable.
func (f *Formulas) variable(k *schema.Key) Part {
	v := &k.Value
	s := Slot{Kind: Variable, Name: k.Name}
	of := f.Types[k.Name]
	switch {
	case of == "bool":
		return Part{Node: Leaf(&Atom{Slot: s, Names: []string{strconv.FormatBool(v.B)}}), Rest: v}
	case v.Kind == schema.Bool:
		return Part{Node: Leaf(&Atom{Slot: s, Presence: true}).When(v.B), Rest: v}
	case of == "int":
		return Part{Node: numbers(s, v), Rest: v}
	case of == "ip":
		a := &Atom{Slot: s}
		if f.networks(v, a) {
			return Part{Node: Leaf(a), Rest: v}
		}
		return f.Opaque(why(k.Name, v), k.Name+Show(v))
	}
	return f.texts(s, k.Name, v, how{})
}

// body makes the formula of what a body has.
func (f *Formulas) body(v *schema.Value) Part {
	return parts(v, func(k *schema.Key) Part {
		if k.Name == "type" {
			return f.texts(Slot{Kind: BodyType}, "body.type", &k.Value, how{fold: true})
		}
		d := &k.Value
		all := []*Node{Leaf(&Atom{Slot: Slot{Kind: Session}})}
		if p := d.Get("private_ip"); p.Kind == schema.Bool {
			all = append(all, Leaf(&Atom{Slot: Slot{Kind: Private}}).When(p.B))
		}
		m := &Atom{Slot: Slot{Kind: Media}}
		d.Get("media").Each(func(v *schema.Value) { m.Names = append(m.Names, v.S) })
		if c := d.Get("codec"); c.Kind != schema.None {
			if m.Codec = f.patterns(c, how{fold: true}); m.Codec == nil {
				return f.Opaque(why("body.sdp", c), "body"+Show(v))
			}
		}
		if m.Names != nil || m.Codec != nil {
			all = append(all, Leaf(m))
		}
		return Part{Node: All(all...), Rest: d}
	})
}

// ListenerName reads "udp:192.0.2.1:5060".
func ListenerName(s string) (sip.Transport, netip.AddrPort, bool) {
	name, addr, _ := strings.Cut(s, ":")
	a, err := netip.ParseAddrPort(addr)
	at := netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	return sip.LookupTransport([]byte(name)), at, err == nil
}

// Show is a value in one line.
func Show(v *schema.Value) string {
	var b strings.Builder
	show(&b, v)
	return b.String()
}

func show(b *strings.Builder, v *schema.Value) {
	switch v.Kind {
	case schema.None:
	case schema.Map:
		b.WriteString(" {")
		for i := range v.Keys {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString(" " + v.Keys[i].Name + ":")
			show(b, &v.Keys[i].Value)
		}
		b.WriteString(" }")
	case schema.List:
		b.WriteString(" [")
		for i := range v.Items {
			show(b, &v.Items[i])
		}
		b.WriteString(" ]")
	default:
		b.WriteString(" " + v.Show())
	}
}
