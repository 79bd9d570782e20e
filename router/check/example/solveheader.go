package example

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sipedge/router/check/formula"
	"sipedge/router/check/pattern"
	"sipedge/schema"
	"sipedge/sip"
)

func quoted(s string) string { return regexp.QuoteMeta(s) }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// Parts of Via; parameters are such as mean nothing to us.
const (
	branch     = `[0-9A-Za-z.!~*'+_-]+`
	moreParams = `(;[ac-ln-qsu-z][a-z]*(=` + branch + `)?)*`
	otherHost  = `[0-9a-z-]+(\.[0-9a-z-]+)*\.[a-z]+(:[1-9][0-9]{0,3})?`
)

// Where texts stand in header fields.
var (
	values = pattern.NewDomain(`(?s)^[^\x00]*$`, "x", "y", "")
	texts  = pattern.NewDomain(
		`^$|^[^\x00-\x20\x7f]([^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?$`, "x", "y", "")
	elements = pattern.NewDomain(`^[!#-'*+\--;=?-\[\]-~]([ !#-'*+\--;=?-\[\]-~]*`+
		`[!#-'*+\--;=?-\[\]-~])?$|^([!#-'*+\--;=?-\[\]-~]+ )?<[!-;=?-~]+>(;[!#-'*+\--;=?-\[\]-~]+)?$`,
		"x", "y")
	vias = pattern.NewDomain(`^SIP/2\.0/(UDP|TCP|TLS) `+otherHost+`;branch=z9hG4bK`+branch+
		moreParams+`$`, "SIP/2.0/UDP proxy.example.org;branch=z9hG4bK87asdks7")
	anyVia    = pattern.NewDomain(`(?si)^sip\s*/.*$`)
	anything  = pattern.NewDomain(`(?s)^.*$`)
	somewhat  = pattern.NewDomain(`(?s)^[^\x00-\x20\x7f](.*[^\x00-\x20\x7f])?$`)
	addressed = pattern.NewDomain(`(?s)^.*:.*$`) // what From and To have in any form
	callIDs   = pattern.NewDomain(`^[!-~]+$`, usualID)
)

const usualID = "a84b4c76e66710"

// addresses are From, To and Call-ID as whole texts. The URI of the first two is part of theirs.
func (s *solver) addresses() pattern.Answer {
	id, out := pattern.Pick(s.effort, callIDs, patterns(s.field("Call-ID")))
	s.m.callID = id
	for _, r := range []formula.Role{formula.OfFrom, formula.OfTo} {
		name := [...]string{formula.OfFrom: "From", formula.OfTo: "To"}[r]
		lits := patterns(s.field(name))
		if len(lits) == 0 || pattern.HoldAll(lits, s.m.address(r)) {
			continue
		}
		tag := `;tag=[0-9A-Za-z.-]+`
		if r == formula.OfTo && !s.m.inDialog {
			tag = ``
		}
		around := func(uri string) *pattern.Domain {
			return pattern.NewDomain(`^("[ !#-\[\]-~]*" ?|[0-9A-Za-z ]+)?<` + uri + `>` + tag + `$`)
		}
		text, a := pattern.Pick(s.effort, around(quoted(s.m.uris[r].String())), lits)
		if a != found && !s.m.uris[r].asked { // any URI does
			const uris = `sips?:([0-9A-Za-z.+_-]+@)?[0-9a-z.-]*[a-z](:[1-9][0-9]{0,3})?`
			text, a = pattern.Pick(s.effort, around(uris), lits)
		}
		if a != found {
			if _, a := pattern.Pick(s.effort, addressed, lits); a == nothing && s.place != schema.InError {
				return nothing
			}
			out = max(out, unsure)
			continue
		}
		if r == formula.OfFrom {
			s.m.from = text
		} else {
			s.m.to = text
		}
	}
	return out
}

// fields solves the header fields that are free.
func (s *solver) fields() pattern.Answer {
	var names []string
	for _, l := range s.of(formula.Header) {
		names = append(names, l.Name)
	}
	slices.Sort(names)
	out := found
	for _, name := range slices.Compact(names) {
		id := sip.LookupHeader([]byte(name))
		if slices.Contains(formula.Once, id) || id == sip.ContentType || id == sip.Contact {
			continue
		}
		f := list{s: s, lits: s.field(name), domain: texts, parted: id.IsList()}
		switch {
		case id == sip.Via:
			f.domain = vias
		case id.IsList():
			f.domain = elements
		}
		switch {
		case id == sip.Via:
			f.first = s.topVia()
		case id == sip.Route && s.m.Route != formula.NoRoute:
			f.first = []*pattern.Domain{pattern.NewDomain(`^`+quoted(s.route())+`$`, s.route())}
		}
		all, a := f.solve()
		if a == nothing && id == sip.Via {
			f.domain = elements // only the top one is read
			all, a = f.solve()
		}
		if a == nothing {
			a = s.beyond(&f, id)
		}
		switch {
		case a != found:
		case id == sip.Via:
			s.m.via, all = unmarked(all[0]), all[1:]
		case id == sip.Route && !s.routed(all):
			if a, all = unsure, nil; s.m.Strict() {
				all = []string{s.route()}
			}
		}
		if out = max(out, a); out == nothing {
			return out
		}
		for _, v := range all {
			s.m.fields = append(s.m.fields, header{name, v})
		}
	}
	if s.m.Route != formula.NoRoute && len(s.field("Route")) == 0 {
		s.m.fields = append(s.m.fields, header{"Route", s.route()})
	}
	return max(out, s.contacts())
}

// beyond answers for header fields of which nothing was found: there may be texts of another
// form than those that were tried.
func (s *solver) beyond(f *list, id sip.HeaderID) pattern.Answer {
	switch {
	case id.IsList():
		f.domain = somewhat // what is in it may be no element by itself
	case s.place == schema.InError:
		f.domain = anything
	default:
		return nothing
	}
	for i := range f.first {
		if f.first[i] = f.domain; id == sip.Via {
			f.first[i] = anyVia
		}
	}
	if _, a := f.solve(); a == nothing {
		return nothing
	}
	return unsure
}

// route is the top Route: one to us, or behind a strict router what the Request-URI was.
func (s *solver) route() string {
	u := s.ownURI(s.m.transport != sip.UDP)
	if s.m.Strict() {
		u = s.m.uris[formula.OfTarget]
	}
	return "<" + u.String() + ">"
}

// routed reports whether the Route fields are what the message is to have on top.
func (s *solver) routed(all []string) bool {
	switch {
	case s.m.Strict():
		return len(all) == 1 // the last one is the target
	case s.m.Route != formula.NoRoute || len(all) == 0:
		return true
	}
	n, err := sip.ParseNameAddr([]byte(all[0]))
	if err != nil {
		return true
	}
	u, err := sip.ParseURI(n.URI)
	return (err != nil || !s.IsMyself(&u)) && !slices.ContainsFunc(
		s.m.uris[formula.OfRURI].params, func(p header) bool { return p.name == "lr" })
}

// topVia is what a rule sees of the top Via, where the router has written where the message
// came from, RFC 3261 §18.2.1 and RFC 3581.
func (s *solver) topVia() []*pattern.Domain {
	const more = `;branch=z9hG4bK` + branch + moreParams
	from := netip.AddrPortFrom(s.m.source, s.m.sourcePort)
	host := quoted(from.String())
	marks := `;received=` + quoted(s.m.source.String())
	port := `;rport=` + strconv.Itoa(int(s.m.sourcePort))
	return []*pattern.Domain{pattern.NewDomain(`^SIP/2\.0/`+s.m.transport.ViaName()+` (`+
		host+more+`|`+otherHost+more+marks+`|(`+host+`|`+otherHost+`)`+more+marks+port+`)$`,
		s.m.topVia())}
}

// unmarked is a top Via as it was sent.
func unmarked(via string) string {
	via, marks, _ := strings.Cut(via, ";received=")
	if strings.Contains(marks, ";rport=") {
		via += ";rport"
	}
	return via
}

// list finds the instances of a header field: fields, or the elements of a list.
type list struct {
	s      *solver
	lits   []formula.Lit
	domain *pattern.Domain
	first  []*pattern.Domain // of those at the beginning that are there in any case
	parted bool              // a field may have several, and none
	got    []string
}

// solve tries it with as few as can be. More than the literals name make no difference: of
// those in the middle each serves one literal at most.
func (f *list) solve() ([]string, pattern.Answer) {
	var some []formula.Lit // that one of them must take
	front, back := len(f.first), 0
	for _, l := range f.lits {
		switch {
		case !l.One && !l.Presence && !l.Neg:
			some = append(some, l)
		case l.One && l.Index >= 0:
			front = max(front, l.Index+1)
		case l.One:
			back = max(back, -l.Index)
		}
	}
	out := nothing
	for n := len(f.first); n <= front+back+len(some)+1; n++ {
		if f.counts(n) {
			f.got = make([]string, n)
			switch a := f.place(make([][]formula.Lit, n), some); a {
			case found:
				if there, _ := f.named(); there && n == 0 {
					return []string{""}, found
				}
				return f.got, found
			case unsure:
				out = unsure
			}
		}
	}
	return nil, out
}

// counts reports whether there may be n of them.
func (f *list) counts(n int) bool {
	there, not := f.named()
	for _, l := range f.lits {
		switch {
		case l.One:
			if is := at(l, n) >= 0; !is && !l.Neg || is && l.Neg && l.Presence {
				return false
			}
		case !l.Presence && !l.Neg && n == 0:
			return false
		}
	}
	if n == 0 && there {
		return f.parted && !not
	}
	return n == 0 || !not
}

// named reports whether literals ask for the name, and whether they forbid it.
func (f *list) named() (there, not bool) {
	for _, l := range f.lits {
		if l.Presence && !l.One {
			there, not = there || !l.Neg, not || l.Neg
		}
	}
	return there, not
}

// at is the place that a literal means among n; -1: there is none.
func at(l formula.Lit, n int) int {
	i := l.Index
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return -1
	}
	return i
}

// place gives every literal of some to one of the instances, then finds their texts.
func (f *list) place(to [][]formula.Lit, some []formula.Lit) pattern.Answer {
	if len(some) == 0 {
		return f.fill(to)
	}
	out := nothing
	for i := range to {
		with := slices.Clone(to)
		with[i] = append(slices.Clip(to[i]), some[0])
		switch a := f.place(with, some[1:]); {
		case a == found:
			return found
		case a == unsure:
			out = unsure
		case !f.s.effort.Spend(8):
			return unsure
		}
	}
	return out
}

func (f *list) fill(to [][]formula.Lit) pattern.Answer {
	out := found
	for i := range to {
		lits := slices.Clone(to[i])
		for _, l := range f.lits {
			if !l.Presence && (l.One && at(l, len(to)) == i || !l.One && l.Neg) {
				lits = append(lits, l)
			}
		}
		d := f.domain
		if i < len(f.first) {
			d = f.first[i]
		}
		v, a := pattern.Pick(f.s.effort, d, patterns(lits))
		if f.got[i] = v; a == nothing {
			return nothing
		}
		out = max(out, a)
	}
	return out
}
