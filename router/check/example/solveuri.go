package example

import (
	"slices"

	"sipedge/router/vars"
	"sipedge/sip"
)

// uriLits are the literals of one URI by part.
type uriLits struct {
	scheme, user, host, port, self, params []Lit
}

// uri makes the URI of a role: its host, port and transport decide together whether it is ours.
func (s *solver) uri(r role) answer {
	var u uriLits
	asked := false
	for _, l := range s.lits {
		if l.Role != r {
			continue
		}
		switch l.Kind {
		case Scheme:
			u.scheme = append(u.scheme, l)
		case User:
			u.user = append(u.user, l)
		case Host:
			u.host = append(u.host, l)
		case Port:
			u.port = append(u.port, l)
		case Myself:
			u.self = append(u.self, l)
		case Param:
			u.params = append(u.params, l)
		default:
			continue
		}
		asked = true
	}
	if !asked {
		s.m.uris[r] = usual[r]
		return found
	}
	out := Nothing
	for _, scheme := range []string{"sip", "sips", "tel", ""} {
		if !named(u.scheme, scheme) {
			continue
		}
		v, a := s.withScheme(r, scheme, &u)
		if a == found {
			v.asked = true
			s.m.uris[r] = v
			return found
		}
		if a == Unsure {
			out = Unsure
		}
	}
	return out
}

func (s *solver) withScheme(r role, scheme string, u *uriLits) (v uri, a answer) {
	v.scheme = scheme
	if a := v.fill(s.effort, u.params); a != found {
		return v, a
	}
	switch scheme {
	case "":
		if len(v.params) > 0 || !holdAll(u.user, "") {
			return v, Nothing
		}
	case "tel":
		v.user, a = pick(s.effort, telUser, u.user)
	default:
		d := anyUser
		if r == ofFrom {
			d = callers
		}
		v.user, a = pick(s.effort, d, u.user)
	}
	if a != found {
		return v, a
	}
	ours, a := truth(u.self, false)
	if a != found {
		return v, a
	}
	if scheme == "" || scheme == "tel" {
		if ours || !holdAll(u.host, "") || !portHolds(u.port, 0) {
			return v, Nothing
		}
		return v, found
	}
	return s.complete(v, u, ours)
}

// usual are URIs nothing is asked of.
var usual = [3]uri{
	{scheme: "sip", user: "bob", host: "example.org"},
	{scheme: "sip", user: "alice", host: "example.org"},
	{scheme: "sip", user: "bob", host: "example.org"},
}

// callers is anyUser for those who call.
var callers = newDomain(anyUser.expr, "alice", "dave", "")

// fill adds the parameters that are asked for.
func (v *uri) fill(e *effort, lits []Lit) answer {
	var done []string
	for _, l := range lits {
		if slices.Contains(done, l.Name) {
			continue
		}
		done = append(done, l.Name)
		present, absent := false, false
		var wanted []Lit
		for _, o := range lits {
			switch {
			case o.Name != l.Name:
			case o.presence && o.Neg:
				absent = true
			case o.presence:
				present = true
			default:
				wanted = append(wanted, o)
				present = present || !o.Neg
			}
		}
		if absent && present {
			return Nothing
		}
		if !present {
			continue // no literal asks for it; without it, none that forbids is hurt
		}
		value, a := pick(e, values, wanted)
		if a != found {
			return a
		}
		v.params = append(v.params, header{l.Name, value})
	}
	return found
}

func portHolds(lits []Lit, port uint16) bool {
	return !slices.ContainsFunc(lits, func(l Lit) bool {
		return (port != 0 && l.HoldsNumber(int64(port))) == l.Neg
	})
}

// complete picks host, port and transport.
func (s *solver) complete(v uri, u *uriLits, ours bool) (uri, answer) {
	transports := []string{""}
	if len(u.self) > 0 && !slices.ContainsFunc(v.params, func(p header) bool {
		return p.name == "transport"
	}) && !slices.ContainsFunc(u.params, func(l Lit) bool { return l.Name == "transport" }) {
		transports = append(transports, "udp", "tcp", "tls", "sctp", "ws")
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
				if err != nil || canonicalHost(string(parsed.Host)) != host {
					continue
				}
				if !portHolds(u.port, vars.Port(&parsed)) {
					continue
				}
				if len(u.self) > 0 && s.isMyself(&parsed) != ours {
					continue
				}
				return v, found
			}
		}
	}
	if a == Unsure {
		return v, Unsure
	}
	return v, Nothing
}

// Ours reports whether the Request-URI of a message is one of ours.
func (w *World) Ours(m *Model) bool {
	parsed, err := sip.ParseURI([]byte(m.uris[OfRURI].String()))
	return err == nil && len(parsed.Host) > 0 && w.isMyself(&parsed)
}

func (w *World) isMyself(u *sip.URI) bool {
	t := u.Transport()
	if u.Scheme == sip.SIPS {
		t = vars.Transport(u)
	}
	return w.Self.Is(u.Host, u.Port, t)
}

// candidates are hosts the literals take: ours, and one that is not.
func (s *solver) candidates(u *uriLits) (list []string, a answer) {
	if len(u.self) > 0 {
		for _, h := range s.hosts {
			if holdAll(u.host, h) {
				list = append(list, h)
			}
		}
	}
	other, a := pick(s.effort, hosts, append(slices.Clone(u.host), Lit{
		Atom: &Atom{Slot: Slot{Kind: Host}, Text: &pattern{exact: s.hosts}}, Neg: true,
	}))
	switch {
	case a == found:
		list = append([]string{other}, list...)
	case len(u.self) == 0:
		other, b := pick(s.effort, hosts, u.host)
		if a = b; b == found {
			list = append(list, other)
		}
	case a == Nothing:
		a = found
	}
	if len(u.self) == 0 {
		return list, a
	}
	if other, b := pick(s.effort, hosts, append(slices.Clone(u.host), loopbacks)); b == found {
		list = append(list, other) // of all addresses of the machine, those anybody has
	}
	return list, a
}

var loopbacks = Lit{Atom: &Atom{
	Slot: Slot{Kind: Host}, Text: &pattern{prefix: []string{"127."}},
}}

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
		ports = append(ports, s.ports...)
		add(9)
	}
	return ports
}
