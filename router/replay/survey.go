package replay

import (
	"bytes"
	"net/netip"
	"slices"

	"sipedge/router"
	"sipedge/router/scene"
	"sipedge/schema"
	"sipedge/sip/recording"
	"sipedge/sip/transport"
)

// survey is what a first look at the recordings says about where the router is.
// A capture may hold all that went on around it, a log of SIPp both sides.
type survey struct {
	own       []netip.Addr         // of listeners on all addresses
	listeners []transport.Listener // of both policies
	directed  map[string]bool      // recordings in which requests came to the router by what they tell
}

// look reads the recordings that tell where messages went.
func look(c *Config) *survey {
	s := &survey{directed: map[string]bool{}}
	bound := slices.Concat(router.Listeners(c.Old), router.Listeners(c.New))
	wild := slices.ContainsFunc(bound, func(l transport.Listener) bool {
		return l.Addr.Addr().IsUnspecified()
	})
	votes := votes{}
	to := map[string]map[netip.Addr]bool{} // by recording, of listeners on all addresses
	for _, file := range c.Files {
		to[file] = map[netip.Addr]bool{}
		s.each(file, func(m *recording.Message) (more bool) {
			if m.Course == recording.Sent {
				s.directed[file] = true
			}
			for _, l := range bound {
				switch {
				case l.Transport != m.Transport || l.Addr.Port() != m.To.Port():
				case l.Addr == m.To:
					s.directed[file] = true
				case l.Addr.Addr().IsUnspecified() && l.Addr.Addr().Is4() == m.To.Addr().Is4():
					votes.add(m.To.Addr())
					to[file][m.To.Addr()] = true
				}
			}
			return wild || !s.directed[file]
		})
	}
	s.own = votes.winners()
	for file, addrs := range to {
		if slices.ContainsFunc(s.own, func(a netip.Addr) bool { return addrs[a] }) {
			s.directed[file] = true
		}
	}
	for _, doc := range []*schema.Document{c.Old, c.New} {
		s.listeners = append(s.listeners, scene.Listeners(doc, s.own...)...)
	}
	return s
}

// each gives the requests of a recording that tells which way they went. What is
// wrong with it is told when it is replayed.
func (s *survey) each(file string, f func(*recording.Message) (more bool)) {
	in, err := recording.Open(file)
	if err != nil {
		return
	}
	defer in.Close()
	for m, err := range in.Messages() {
		if err != nil {
			continue
		}
		tells := m.Course != recording.Unknown || m.To.IsValid()
		if !tells || !bytes.HasPrefix(m.Bytes, []byte("SIP/")) && !f(m) {
			return
		}
	}
}

// came reports whether a request came to the router. Of a recording in which none
// did, all are taken: it was made at another place.
func (s *survey) came(file string, m *recording.Message) bool {
	switch {
	case !s.directed[file]:
		return true
	case m.Course != recording.Unknown:
		return m.Course == recording.Sent
	}
	return slices.ContainsFunc(s.listeners, func(l transport.Listener) bool {
		return l.Transport == m.Transport && l.Addr == m.To
	})
}

// votes are addresses by how many requests went there, in the order they were seen.
type votes []struct {
	addr netip.Addr
	n    int
}

func (v *votes) add(a netip.Addr) {
	for i := range *v {
		if (*v)[i].addr == a {
			(*v)[i].n++
			return
		}
	}
	*v = append(*v, struct {
		addr netip.Addr
		n    int
	}{a, 1})
}

// winners are the first of each family.
func (v votes) winners() (list []netip.Addr) {
	for _, is4 := range []bool{true, false} {
		most := -1
		for i := range v {
			if v[i].addr.Is4() == is4 && (most < 0 || v[i].n > v[most].n) {
				most = i
			}
		}
		if most >= 0 {
			list = append(list, v[most].addr)
		}
	}
	return list
}
