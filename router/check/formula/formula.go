package formula

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// Formulas makes formulas of matches.
type Formulas struct {
	Types  map[string]string        // of variables
	Tables map[string]*schema.Table // whose rows are known
	Moving map[string]bool          // tables that steps write

	seen map[string]int // of each opaque text
}

// Part is what a match, or a part of it, comes to.
type Part struct {
	Node *Node
	Rest *schema.Value // what of it a decision table can decide; nil: nothing
	Open []*Check      // what else must hold
}

// Check is a part of a match that no message decides, or that stands beside one.
type Check struct {
	Atom      *Atom         // opaque; nil: what follows, all of it
	Match     *schema.Value // decided by a table of its own; nil: none
	Kids      []*Check
	Some, Neg bool // one of the kids is enough; they must not hold

	Holds func(*job.Job) bool // Match, as whoever has tables says
}

// Match makes the formula of a match.
func (f *Formulas) Match(v *schema.Value) Part {
	if v == nil {
		return Part{Node: Always}
	}
	return parts(v, f.key)
}

// key makes the formula of one matcher.
func (f *Formulas) key(k *schema.Key) Part {
	v := &k.Value
	whole := func(n *Node) Part { return Part{Node: n, Rest: v} }
	switch k.Name {
	case "method":
		return whole(names(Method, v))
	case "uri":
		return f.address(OfRURI, v)
	case "from":
		return f.address(OfFrom, v)
	case "to":
		return f.address(OfTo, v)
	case "contact":
		return f.contact(v)
	case "headers":
		return parts(v, f.header)
	case "body":
		return f.body(v)
	case "vars":
		return parts(v, f.variable)
	case "source":
		if a := (&Atom{Slot: Slot{Kind: Source}}); f.networks(v, a) {
			return whole(Leaf(a))
		}
	case "transport":
		return whole(names(Transport, v))
	case "family":
		return whole(names(Family, v))
	case "listener":
		return whole(names(Listener, v))
	case "direction":
		return whole(names(Direction, v))
	case "cause":
		return whole(names(Cause, v))
	case "in_dialog":
		return whole(Leaf(&Atom{Slot: Slot{Kind: InDialog}}).When(v.B))
	case "source_port":
		return whole(numbers(Slot{Kind: SourcePort}, v))
	case "max_forwards":
		return whole(numbers(Slot{Kind: MaxForwards}, v))
	case "size":
		return whole(numbers(Slot{Kind: Size}, v))
	case "status":
		return whole(statuses(v))
	case "all", "any", "not":
		return f.nested(k)
	}
	if v.Kind == schema.Bool && !v.B { // nobody authenticated: the opposite of what tells trust
		return f.nested(&schema.Key{Name: "not", Value: yes(k)})
	}
	p := f.Opaque(why(k.Name, v), k.Name+Show(v))
	p.Node.Lit.Trust = slices.Contains(trusted, k.Name)
	return p
}

// yes is a match of k with true.
func yes(k *schema.Key) schema.Value {
	one := *k
	one.Value.B = true
	return schema.Value{Kind: schema.Map, Pos: k.Pos, Keys: []schema.Key{one}}
}

// trusted are matchers that tell strangers apart.
var trusted = []string{"source", "peer", "auth", "gateway"}

// why says on what an opaque matcher rests: its table, if it asks one.
func why(what string, v *schema.Value) string {
	table := ""
	v.Each(func(v *schema.Value) {
		if in := v.Get("in"); in.Kind == schema.String && table == "" {
			table = in.S
		}
	})
	if table != "" {
		return "table " + table
	}
	return what
}

// Opaque is a part that is true or false for reasons outside of the message. What is said by
// the same text is the same, unless it may change between.
func (f *Formulas) Opaque(why, text string) Part {
	table, asks := strings.CutPrefix(why, "table ")
	same := strings.HasPrefix(text, "time") || strings.HasPrefix(text, "source")
	if !same || asks && f.Moving[table] {
		if f.seen == nil {
			f.seen = map[string]int{}
		}
		f.seen[text]++
		text = fmt.Sprint(text, " ", f.seen[text])
	}
	a := &Atom{Slot: Slot{Kind: Opaque, Name: text}, Why: why}
	return Part{Node: Leaf(a), Open: []*Check{{Atom: a}}}
}

// nested keeps what is opaque inside where it stands.
func (f *Formulas) nested(k *schema.Key) Part {
	out := Part{Node: &Node{Some: k.Name == "any"}, Rest: &k.Value}
	check := &Check{Some: k.Name != "all"}
	open := false
	rest := k.Value
	rest.Items = nil
	k.Each(func(v *schema.Value) {
		p := f.Match(v)
		out.Node.Kids = append(out.Node.Kids, p.Node)
		if p.Rest != nil {
			rest.Items = append(rest.Items, *p.Rest)
		}
		open = open || p.Open != nil
		out.Open = append(out.Open, p.Open...)
		check.Kids = append(check.Kids, &Check{Match: p.Rest, Kids: p.Open})
	})
	if check.Neg = k.Name == "not"; check.Neg {
		out.Node = OneOf(out.Node.Kids...).Not()
	}
	switch {
	case !open:
	case k.Name != "all":
		out.Rest, out.Open = nil, []*Check{check}
	case len(rest.Items) == 0:
		out.Rest = nil
	default:
		out.Rest = &rest
	}
	return out
}

// parts makes the formula of a map whose keys must all hold.
func parts(v *schema.Value, part func(k *schema.Key) Part) Part {
	out, rest := Part{Node: &Node{}}, *v
	rest.Keys = make([]schema.Key, 0, len(v.Keys))
	for i := range v.Keys {
		p := part(&v.Keys[i])
		out.Node.Kids = append(out.Node.Kids, p.Node)
		out.Open = append(out.Open, p.Open...)
		if p.Rest != nil {
			key := v.Keys[i]
			key.Value = *p.Rest
			rest.Keys = append(rest.Keys, key)
		}
	}
	if len(rest.Keys) > 0 {
		out.Rest = &rest
	}
	return out
}

func names(kind Kind, v *schema.Value) *Node {
	a := &Atom{Slot: Slot{Kind: kind}}
	v.Each(func(v *schema.Value) { a.Names = append(a.Names, v.S) })
	return Leaf(a)
}

func numbers(s Slot, v *schema.Value) *Node {
	a := &Atom{Slot: s}
	v.Each(func(v *schema.Value) {
		b := Bounds{v.N, v.N}
		if v.Kind == schema.Map {
			b = Bounds{-1 << 62, 1 << 62}
			if least := v.Get("min"); least.Kind == schema.Int {
				b.Min = least.N
			}
			if most := v.Get("max"); most.Kind == schema.Int {
				b.Max = most.N
			}
		}
		a.Nums = append(a.Nums, b)
	})
	return Leaf(a)
}

func statuses(v *schema.Value) *Node {
	a := &Atom{Slot: Slot{Kind: Status}}
	v.Each(func(v *schema.Value) {
		if v.Kind == schema.Int {
			a.Nums = append(a.Nums, Bounds{v.N, v.N})
		} else if len(v.S) == len("5xx") {
			class := int64(v.S[0]-'0') * 100
			a.Nums = append(a.Nums, Bounds{class, class + 99})
		}
	})
	return Leaf(a)
}

// networks reads addresses, networks and tables of them into an atom; false: the rows of a
// table are not known.
func (f *Formulas) networks(v *schema.Value, a *Atom) (ok bool) {
	ok = true
	add := func(text string) {
		p, err := schema.ParseNetwork(text)
		if ok = ok && err == nil; !ok {
			return
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		a.Nets = append(a.Nets, p)
	}
	v.Each(func(v *schema.Value) {
		if v.Kind == schema.String {
			add(v.S)
			return
		}
		t := f.Tables[v.Get("in").S]
		switch {
		case t == nil || t.Kind != "cidr" && t.Kind != "address":
			ok = false
		case t.Kind == "address":
			var nets []string
			nets, ok = addresses(t.Addresses, v.Get("group"))
			for _, n := range nets {
				add(n)
			}
		default:
			for i := range t.Rows {
				add(t.Rows[i].Key.S)
			}
		}
	})
	return ok
}

// addresses are the networks of rows in one of the groups, or in any if there are none; false:
// more than the network tells who is meant.
func addresses(rows []schema.Address, groups *schema.Value) (nets []string, ok bool) {
	for i := range rows {
		cells := rows[i].Cells
		grp, ip, port, proto := cells[0], cells[1], cells[3], cells[4]
		in := groups.Kind == schema.None || grp == "0"
		groups.Each(func(g *schema.Value) { in = in || strconv.FormatInt(g.N, 10) == grp })
		if !in {
			continue
		}
		if port != "" && port != "0" || proto != "" && proto != "any" {
			return nil, false
		}
		nets = append(nets, ip)
	}
	return nets, true
}

// Once are header fields of which there is one at most; the first four there always are.
var Once = []sip.HeaderID{
	sip.From, sip.To, sip.CallID, sip.CSeq, sip.MaxForwards, sip.ContentLength,
}
