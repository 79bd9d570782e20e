package example

import (
	"fmt"
	"slices"
	"strings"

	"sipedge/router/check/formula"
	"sipedge/router/check/myself"
	"sipedge/router/check/pattern"
	"sipedge/schema"
	"sipedge/sip"
)

// uriLits are the literals of one URI by part.
type uriLits struct {
	scheme, user, written, host, port, self, params []formula.Lit
}

// uri makes one of the URIs that every message has.
func (s *solver) uri(r formula.Role) pattern.Answer {
	switch strict := s.m.Strict(); {
	case strict && r == formula.OfRURI:
		return s.ownTarget()
	case !strict && r == formula.OfTarget:
		return found
	}
	u, a := s.address(r)
	broken := func(l formula.Lit) bool { return l.OfURI(r) && !l.HoldsURI(nil, s.IsMyself) }
	if a == nothing && s.place == schema.InError && !slices.ContainsFunc(s.lits, broken) {
		a = unsure // it may be none at all
	}
	if !u.asked && a == found {
		u = usual[r]
	}
	s.m.uris[r] = u
	return a
}

// ownTarget makes the Request-URI that a strict router writes: ours.
func (s *solver) ownTarget() pattern.Answer {
	var more uri // the policy's part of the parameters
	a := more.fill(s.effort, slices.DeleteFunc(s.of(formula.Param), func(l formula.Lit) bool {
		return l.Role != formula.OfRURI || slices.Contains([]string{"lr", "t", "transport"}, l.Name)
	}))
	for _, transport := range []bool{s.m.transport != sip.UDP, true} {
		own := s.ownURI(transport)
		own.params = append(own.params, more.params...)
		u, err := sip.ParseURI([]byte(own.String()))
		if err == nil && !slices.ContainsFunc(s.lits, func(l formula.Lit) bool {
			return l.OfURI(formula.OfRURI) && !l.HoldsURI(&u, s.IsMyself)
		}) {
			s.m.uris[formula.OfRURI] = own
			return a
		}
	}
	s.m.uris[formula.OfRURI] = s.ownURI(s.m.transport != sip.UDP)
	other := *s
	other.lits = append(slices.Clip(s.lits), ownLits...)
	if _, a := other.address(formula.OfRURI); a == nothing {
		return nothing
	}
	return unsure // it may be written in another way
}

// ownLits hold for every URI of ours in a Route.
var ownLits = []formula.Lit{
	{Atom: &formula.Atom{Slot: formula.Slot{Kind: formula.Myself}}},
	{Atom: &formula.Atom{Slot: formula.Slot{Kind: formula.User}, Text: pattern.Exact("")}},
	{Atom: &formula.Atom{Slot: formula.Slot{Kind: formula.Param, Name: "lr"}, Presence: true}},
}

// ownURI is that of a Route of ours, on demand with its transport; the tag of a verified one is
// for the router to make.
func (s *solver) ownURI(transport bool) uri {
	u := uri{
		scheme: "sip", host: s.m.local.Addr().String(), port: s.m.local.Port(),
		params: []header{{"lr", ""}}, asked: true,
	}
	if transport {
		u.params = append(u.params, header{"transport", s.m.transport.String()})
	}
	if s.m.Verified() {
		u.params = append(u.params, header{"t", strings.Repeat("0", 16)})
	}
	return u
}

// address makes the URI of a role: its host, port and transport decide together whether it is
// ours.
func (s *solver) address(r formula.Role) (u uri, a pattern.Answer) {
	var lits uriLits
	asked := false
	for _, l := range s.lits {
		if l.Role != r {
			continue
		}
		switch l.Kind {
		case formula.Scheme:
			lits.scheme = append(lits.scheme, l)
		case formula.User:
			lits.user = append(lits.user, l)
		case formula.Written:
			lits.written = append(lits.written, l)
		case formula.Host:
			lits.host = append(lits.host, l)
		case formula.Port:
			lits.port = append(lits.port, l)
		case formula.Myself:
			lits.self = append(lits.self, l)
		case formula.Param:
			lits.params = append(lits.params, l)
		default:
			continue
		}
		asked = true
	}
	if !asked {
		return usual[formula.OfTo], found
	}
	out := nothing
	for _, scheme := range []string{"sip", "sips", "tel", ""} {
		if !named(lits.scheme, scheme) || scheme == "" && r == formula.OfContact {
			continue
		}
		v, a := s.withScheme(r, scheme, &lits)
		if v.asked = true; a == found {
			return v, found
		}
		out = max(out, a)
	}
	return uri{asked: true}, out
}

func (s *solver) withScheme(r formula.Role, scheme string, u *uriLits) (
	v uri, a pattern.Answer,
) {
	v.scheme = scheme
	if a := v.fill(s.effort, u.params); a != found {
		return v, a
	}
	if scheme == "" {
		if len(v.params) > 0 || !pattern.HoldAll(patterns(append(u.user, u.written...)), "") {
			return v, nothing
		}
	} else if a := s.user(&v, r, u); a != found {
		return v, a
	}
	ours, a := truth(u.self, false)
	if a != found {
		return v, a
	}
	if scheme == "" || scheme == "tel" {
		if ours || !pattern.HoldAll(patterns(u.host), "") || !portsHold(u.port) {
			return v, nothing
		}
		return v, found
	}
	return s.complete(v, u, ours)
}

// user picks the user, and how it is written where literals look at that.
func (s *solver) user(v *uri, r formula.Role, u *uriLits) (a pattern.Answer) {
	d, plain, written := anyUser, patterns(u.user), patterns(u.written)
	switch {
	case v.scheme == "tel":
		d = telUser
	case r == formula.OfFrom:
		d = callers
	}
	if len(written) == 0 {
		v.user, a = pattern.Pick(s.effort, d, plain)
		return a
	}
	if v.scheme == "tel" {
		v.user, a = pattern.Pick(s.effort, d, append(plain, written...))
		return a
	}
	if len(plain) == 0 {
		v.written, a = pattern.Pick(s.effort, writtenUser.Liking("bob", "alice", ""), written)
		return a
	}
	if v.user, a = pattern.Pick(s.effort, plainUser, append(written, plain...)); a == found {
		return a
	}
	for _, l := range plain { // escaped, what is the same user may be another text
		written = append(written, pattern.Lit{Pattern: l.Unescaped(), Neg: l.Neg})
	}
	v.written, a = pattern.Pick(s.effort, writtenUser, written)
	return a
}

// usual are URIs nothing is asked of.
var usual = [...]uri{
	formula.OfRURI:   {scheme: "sip", user: "bob", host: "example.org"},
	formula.OfFrom:   {scheme: "sip", user: "alice", host: "example.org"},
	formula.OfTo:     {scheme: "sip", user: "bob", host: "example.org"},
	formula.OfTarget: {scheme: "sip", user: "bob", host: "example.org"},
}

// Where texts stand in URIs. Texts are as they are compared: unescaped, hosts in lower case.
var (
	anyUser     = pattern.NewDomain(`(?s)^[^\x00]*$`, "bob", "", "carol", "1000")
	callers     = anyUser.Liking("alice", "dave", "")
	telUser     = pattern.NewDomain(`^[0-9a-fA-F+*#]+$`, "+12025550123", "112")
	writtenUser = pattern.NewDomain(`^([0-9A-Za-z._!~*'&=+$,;?/-]|%[0-7][0-9A-Fa-f])*$`)
	plainUser   = pattern.NewDomain(`^[0-9A-Za-z._!~*'&=+$,;?/-]*$`, "bob", "alice")
	hosts       = pattern.NewDomain(hostNames+`|^(`+strings.Join(addresses(), "|")+`)$`,
		"example.org", "example.com", "sip.example.org")
	looseHosts = pattern.NewDomain(hostNames + `|^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:]*$`)
)

const hostNames = `^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z]([a-z0-9-]*[a-z0-9])?$` +
	`|^([0-9]{1,3}\.){3}[0-9]{1,3}$`

// addresses are expressions for most IPv6 addresses in their shortest form, RFC 5952.
func addresses() (list []string) {
	const group = `[1-9a-f][0-9a-f]{0,3}`
	for n := range 7 { // groups before ::
		before := ``
		if n > 0 {
			before = fmt.Sprintf(`%s(:%[1]s){%d}`, group, n-1)
		}
		after := ``
		if n < 6 {
			after = fmt.Sprintf(`(%s(:%[1]s){0,%d})?`, group, 5-n)
		}
		list = append(list, before+`::`+after)
	}
	return append(list, fmt.Sprintf(`%s(:%[1]s){7}`, group))
}

// pickHost picks a host; one of another form than those tried first is not sought.
func (s *solver) pickHost(lits []pattern.Lit) (string, pattern.Answer) {
	host, a := pattern.Pick(s.effort, hosts, lits)
	if a == nothing {
		if _, b := pattern.Pick(s.effort, looseHosts, lits); b != nothing {
			a = unsure
		}
	}
	return host, a
}

// fill adds the parameters that are asked for.
func (v *uri) fill(e *pattern.Effort, lits []formula.Lit) pattern.Answer {
	var done []string
	for _, l := range lits {
		if slices.Contains(done, l.Name) {
			continue
		}
		done = append(done, l.Name)
		present, absent := false, false
		var wanted []formula.Lit
		for _, o := range lits {
			switch {
			case o.Name != l.Name:
			case o.Presence && o.Neg:
				absent = true
			case o.Presence:
				present = true
			default:
				wanted = append(wanted, o)
				present = present || !o.Neg
			}
		}
		if absent && present {
			return nothing
		}
		if !present {
			continue // no literal asks for it; without it, none that forbids is hurt
		}
		value, a := pattern.Pick(e, values, patterns(wanted))
		if a != found {
			return a
		}
		v.params = append(v.params, header{l.Name, value})
	}
	return found
}

// portsHold reports whether literals hold for a URI without host.
func portsHold(lits []formula.Lit) bool {
	return !slices.ContainsFunc(lits, func(l formula.Lit) bool { return !l.Neg })
}

// complete picks host, port and transport.
func (s *solver) complete(v uri, u *uriLits, ours bool) (uri, pattern.Answer) {
	transports := []string{""}
	if len(u.self) > 0 && !slices.ContainsFunc(v.params, func(p header) bool {
		return p.name == "transport"
	}) && !slices.ContainsFunc(u.params, func(l formula.Lit) bool { return l.Name == "transport" }) {
		transports = append(transports, "udp", "tcp", "tls", "sctp", "ws", "wss")
	}
	hostList, a := s.candidates(u)
	params := v.params
	ports := s.candidatePorts(u)
	for _, t := range transports {
		v.params = params
		if t != "" {
			v.params = append(slices.Clone(params), header{"transport", t})
		}
		for _, host := range hostList {
			for _, port := range ports {
				v.host, v.port = host, port
				parsed, err := sip.ParseURI([]byte(v.String()))
				if err != nil || formula.CanonicalHost(string(parsed.Host)) != host {
					a = unsure // not a host after all: another may be one
					continue
				}
				if slices.ContainsFunc(u.port, func(l formula.Lit) bool {
					return !l.HoldsURI(&parsed, s.IsMyself)
				}) {
					continue
				}
				if len(u.self) > 0 && s.IsMyself(&parsed) != ours {
					continue
				}
				return v, found
			}
		}
	}
	if a == unsure || ours && s.Open {
		return v, unsure
	}
	return v, nothing
}

// candidates are hosts the literals take: ours, and one that is not.
func (s *solver) candidates(u *uriLits) (list []string, a pattern.Answer) {
	if len(u.self) > 0 {
		for _, h := range s.Hosts {
			if pattern.HoldAll(patterns(u.host), h) {
				list = append(list, h)
			}
		}
	}
	other, a := s.pickHost(append(patterns(u.host),
		pattern.Lit{Pattern: pattern.Exact(s.Hosts...), Neg: true}))
	switch {
	case a == found:
		list = append([]string{other}, list...)
	case len(u.self) == 0:
		other, b := s.pickHost(patterns(u.host))
		if a = b; b == found {
			list = append(list, other)
		}
	case a == nothing:
		a = found
	}
	if len(u.self) == 0 {
		return list, a
	}
	if other, b := s.pickHost(append(patterns(u.host), loopbacks)); b == found {
		list = append(list, other) // of all addresses of the machine, those anybody has
	}
	return list, a
}

var loopbacks = pattern.Lit{Pattern: pattern.Begins("127.")}

func (s *solver) candidatePorts(u *uriLits) []uint16 {
	ports := []uint16{0}
	add := func(n int64) {
		if n > 0 && n <= 65535 {
			ports = append(ports, uint16(n))
		}
	}
	for _, l := range u.port {
		for _, b := range l.Nums {
			add(b.Min)
			add(b.Max + 1)
		}
	}
	if len(u.port) > 0 {
		add(1)
	}
	if len(u.self) > 0 {
		ports = append(ports, s.Ports...)
		add(myself.Strange)
	}
	return ports
}
