package example

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"sipedge/schema"
	"sipedge/sip"
)

// pattern is a string matcher: all kinds that are given must hold, of each kind one.
type pattern struct {
	exact, prefix, suffix, contains []string
	regex                           *regexp.Regexp
	expr                            string // of regex
	empty                           *bool
	fold                            bool // compared in lower case, in which the texts are
}

func (p *pattern) Holds(s string) bool {
	if p.empty != nil && *p.empty != (s == "") || p.regex != nil && !p.regex.MatchString(s) {
		return false
	}
	if p.fold {
		s = lower(s)
	}
	return (p.exact == nil || slices.Contains(p.exact, s)) && some(p.prefix, s, strings.HasPrefix) &&
		some(p.suffix, s, strings.HasSuffix) && some(p.contains, s, strings.Contains)
}

func some(texts []string, s string, in func(s, text string) bool) bool {
	return len(texts) == 0 ||
		slices.ContainsFunc(texts, func(text string) bool { return in(s, text) })
}

// lower is s with its ASCII letters in lower case.
func lower(s string) string { return string(sip.AppendLower(nil, []byte(s))) }

// kinds of tests a string matcher has that can be decided.
var stringTests = []string{
	"exact", "prefix", "suffix", "contains", "regex", "empty", "ignore_case",
}

// patterns reads a #Str: one of them must hold. ok false: it asks a table.
func patterns(
	v *schema.Value, fold bool, canonical func(string) string,
) (list []*pattern, ok bool) {
	var plain []string
	ok = true
	v.Each(func(v *schema.Value) {
		if v.Kind != schema.Map {
			plain = append(plain, v.S)
			return
		}
		for i := range v.Keys {
			ok = ok && slices.Contains(stringTests, v.Keys[i].Name)
		}
		p := &pattern{fold: fold || v.Get("ignore_case").B}
		p.exact = p.texts(v.Get("exact"), canonical)
		p.prefix = p.texts(v.Get("prefix"), nil)
		p.suffix = p.texts(v.Get("suffix"), nil)
		p.contains = p.texts(v.Get("contains"), nil)
		if e := v.Get("empty"); e.Kind == schema.Bool {
			p.empty = &e.B
		}
		if r := v.Get("regex"); r.Kind == schema.String {
			if p.expr = r.S; p.fold {
				p.expr = "(?i:" + r.S + ")"
			}
			re, err := regexp.Compile(p.expr)
			p.regex, ok = re, ok && err == nil
		}
		list = append(list, p)
	})
	if plain != nil {
		p := &pattern{fold: fold}
		for _, s := range plain {
			p.exact = append(p.exact, p.text(s, canonical))
		}
		list = append(list, p)
	}
	return list, ok
}

func (p *pattern) texts(v *schema.Value, canonical func(string) string) (list []string) {
	v.Each(func(v *schema.Value) { list = append(list, p.text(v.S, canonical)) })
	return list
}

func (p *pattern) text(s string, canonical func(string) string) string {
	if canonical != nil {
		s = canonical(s)
	}
	if p.fold {
		s = lower(s)
	}
	return s
}

// canonicalHost is a host in the form in which hosts are compared.
func canonicalHost(s string) string {
	if a, ok := sip.ParseAddr([]byte(s)); ok {
		return a.Unmap().String()
	}
	return lower(strings.TrimSuffix(s, "."))
}

// texts makes the formula of a #Str, and what of it is left in the table.
func (f *Formulas) texts(
	s Slot, what string, v *schema.Value, fold bool, canonical func(string) string,
) (*Node, *schema.Value) {
	list, ok := patterns(v, fold, canonical)
	if !ok {
		return f.unknowable(what), nil
	}
	out := &Node{Some: true}
	for _, p := range list {
		out.Kids = append(out.Kids, Leaf(&Atom{Slot: s, Text: p}))
	}
	return out, v
}

// address makes the formula of a #URI.
func (f *Formulas) address(r role, v *schema.Value) (*Node, *schema.Value) {
	of := [...]string{"uri.", "from.", "to."}[r]
	return parts(v, func(k *schema.Key) (*Node, *schema.Value) {
		switch k.Name {
		case "myself":
			return boolean(Leaf(&Atom{Slot: Slot{Kind: Myself, Role: r}}), k.B), &k.Value
		case "scheme":
			n := names(Scheme, &k.Value)
			n.Lit.Role = r
			return n, &k.Value
		case "user":
			return f.texts(Slot{Kind: User, Role: r}, of+"user", &k.Value, false, nil)
		case "host":
			return f.texts(Slot{Kind: Host, Role: r}, of+"host", &k.Value, true, canonicalHost)
		case "port":
			return numbers(Slot{Kind: Port, Role: r}, &k.Value), &k.Value
		case "params":
			return parts(&k.Value, func(k *schema.Key) (*Node, *schema.Value) {
				s := Slot{Kind: Param, Role: r, Name: lower(k.Name)}
				if k.Kind == schema.Bool {
					return boolean(Leaf(&Atom{Slot: s, presence: true}), k.B), &k.Value
				}
				return f.texts(s, of+"params."+k.Name, &k.Value, true, nil)
			})
		}
		return f.unknowable(of + k.Name), nil
	})
}

// header makes the formula of a header field.
func (f *Formulas) header(k *schema.Key) (*Node, *schema.Value) {
	id := sip.LookupHeader([]byte(k.Name))
	s := Slot{Kind: Header, Name: lower(k.Name)}
	if id != sip.HeaderOther {
		s.Name = id.String()
	}
	own := slices.Contains(structure, id)
	switch {
	case strings.Contains(k.Name, "["):
		return f.unknowable("headers." + k.Name), nil
	case own && k.Kind == schema.Bool:
		return boolean(always, k.B), &k.Value
	case own || id == sip.MaxForwards || id == sip.ContentLength:
		n := Leaf(&Atom{Slot: Slot{Kind: Fixed}, Why: "headers." + k.Name})
		return boolean(n, k.Kind != schema.Bool || k.B), &k.Value
	case k.Kind == schema.Bool:
		return boolean(Leaf(&Atom{Slot: s, presence: true}), k.B), &k.Value
	}
	return f.texts(s, "headers."+k.Name, &k.Value, false, nil)
}

// listenerName reads "udp:192.0.2.1:5060".
func listenerName(s string) (sip.Transport, netip.AddrPort, bool) {
	name, addr, _ := strings.Cut(s, ":")
	a, err := netip.ParseAddrPort(addr)
	at := netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	return sip.LookupTransport([]byte(name)), at, err == nil
}
