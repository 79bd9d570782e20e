package walk

import (
	"slices"
	"strings"

	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/router/check/pattern"
	"sipedge/sip"
)

// user looks at a step that wrote the user of the Request-URI.
func (w *trace) user(e *event, t int) *formula.Node {
	w.ran(e)
	s := e.step
	v := s.Text(graph.KeyUser)
	switch s.Src.Kind {
	case "strip":
		return w.all(w.made(s, t, pattern.Affix{Skip: int(s.Src.Args.N)}))
	case "strip_tail":
		return w.all(w.made(s, t, pattern.Affix{Cut: int(s.Src.Args.N)}))
	case "prefix":
		if v.Constant() {
			return w.all(w.made(s, t, pattern.Affix{Pre: unescaped(v.Pre)}))
		}
		return w.all(w.then(nil, t, s))
	case "revert_uri":
		return w.all(w.Run.atom(w.a, w.want, moment{}))
	case "rewrite_uri":
		if s.Target.User == nil {
			return w.truth(w.holdsURI(s.Target.Rest))
		}
		v = s.Target.User
	}
	return w.all(w.then(w.userSays(v), t, s))
}

// made is the atom of a user that a step made of the one before.
func (w *trace) made(s *graph.Step, t int, in pattern.Affix) *formula.Node {
	return w.then(w.memo.node(derived{a: w.a, by: s}, func() *formula.Node {
		q, ok := w.a.Text.Within(in)
		if !ok {
			return nil
		}
		return formula.Leaf(&formula.Atom{Slot: w.a.Slot, Text: q})
	}), t, s)
}

// userSays is the atom of a user that was set to a text; nil: that can't be said.
func (w *trace) userSays(t *graph.Text) *formula.Node {
	switch {
	case t.Constant():
		return formula.Truth(w.a.Text.Holds(unescaped(t.Pre)))
	case !t.Known || t.Of.Kind != formula.Written || strings.Contains(t.Pre+t.Post, "%"):
		return nil
	}
	// As it is written, so it is copied: compared, both are the same.
	return w.memo.node(derived{a: w.a, by: t}, func() *formula.Node {
		q, ok := w.a.Text.Within(pattern.Affix{Pre: t.Pre, Post: t.Post})
		if !ok {
			return nil
		}
		slot := *t.Of
		slot.Kind = w.a.Kind
		return formula.Leaf(&formula.Atom{Slot: slot, Text: q})
	})
}

// target looks at a step that wrote another part of the Request-URI.
func (w *trace) target(e *event, t int) *formula.Node {
	s := e.step
	kind := w.a.Kind
	switch s.Src.Kind {
	case "set_host":
		switch {
		case kind == formula.Owner:
			w.ran(e)
			return w.truth(w.owned(setBy(w.p, s.Src)))
		case w.host == nil && (kind == formula.Host || kind == formula.Myself):
			w.ran(e)
			w.host = s.Text(graph.KeyURI)
		}
		return nil
	case "set_port":
		if w.port == nil && (kind == formula.Port || kind == formula.Myself) {
			w.ran(e)
			w.port = &s.Src.Args.N
		}
		return nil
	case "revert_uri":
		w.ran(e)
		if w.host != nil || w.port != nil {
			return w.all(w.overridden(nil))
		}
		return w.all(w.Run.atom(w.a, w.want, moment{}))
	}
	w.ran(e)
	switch {
	case kind == formula.Owner:
		return w.truth(w.owned(setBy(w.p, s.Src)))
	case s.Target.Rest == nil:
		return w.all(w.then(nil, t, s))
	}
	return w.all(w.overridden(s.Target.Rest))
}

// overridden is the atom of a URI, nil as received, of which the host or the port was set.
func (w *trace) overridden(u *sip.URI) *formula.Node {
	myself := w.a.Kind == formula.Myself
	try := []*sip.URI{u}
	switch {
	case w.host != nil && !w.host.Constant():
		return w.cannot("what set_host writes")
	case u == nil && w.a.Kind == formula.Port && *w.port == 0:
		return w.cannot("what set_port makes of the Request-URI")
	case u == nil && myself && w.host == nil:
		return w.ported()
	case u == nil && myself && w.port == nil:
		return w.hosted()
	case u == nil: // whatever else it has
		try = w.p.World.Variants()
	}
	is := make([]bool, len(try))
	for i, u := range try {
		v := *u
		if w.host != nil {
			v.Host = []byte(strings.Trim(w.host.Pre, "[]"))
		}
		if w.port != nil {
			v.Port = uint16(*w.port)
		}
		is[i] = w.holdsURI(&v)
	}
	if slices.Contains(is, !is[0]) {
		return w.cannot("whose the Request-URI is")
	}
	return formula.Truth(is[0] == w.want)
}

// ported is whether a URI is ours whose port was set: its host decides.
func (w *trace) ported() *formula.Node {
	hosts, ok := w.p.World.OursAt(uint16(*w.port))
	if !ok {
		return w.cannot("whose the Request-URI is")
	}
	return w.memo.node(derived{a: w.a, by: *w.port}, func() *formula.Node {
		return formula.Leaf(&formula.Atom{
			Slot: formula.Slot{Kind: formula.Host}, Text: pattern.Exact(hosts...),
		})
	}).When(w.want)
}

// hosted is whether a URI is ours whose host was set: its port decides.
func (w *trace) hosted() *formula.Node {
	host := strings.Trim(w.host.Pre, "[]")
	none, ports, ok := w.p.World.PortsOf(host)
	if !ok {
		return w.cannot("whose the Request-URI is")
	}
	return w.memo.node(derived{a: w.a, by: host}, func() *formula.Node {
		slot := formula.Slot{Kind: formula.Port}
		written := formula.Leaf(&formula.Atom{Slot: slot, Presence: true})
		is := formula.Leaf(&formula.Atom{Slot: slot, Nums: ports})
		return formula.OneOf(
			formula.All(written.Not(), formula.Truth(none)), formula.All(written, is))
	}).When(w.want)
}

// loosed looks at loose_route, which gives a request of a strict router the Request-URI that
// it had.
func (w *trace) loosed(e *event) *formula.Node {
	w.ran(e)
	switch strict := w.m.Strict(); {
	case w.key == graph.KeyDirection:
		return w.all(formula.All(w.memo.verified, formula.Leaf(w.a)).When(w.want))
	case w.key == "Route" && w.a.Presence && !w.a.One && w.m.Route == formula.VerifiedRoute:
		w.and = append(w.and, w.memo.single)
		return w.all(w.memo.present(w.a.Slot, 1).When(w.want))
	case w.key == "Route":
		return w.all(w.cannot("what loose_route leaves of Route"))
	case !strict:
		w.and = append(w.and, w.memo.strict.Not())
		return nil
	case w.host != nil || w.port != nil:
		return w.all(w.cannot("whose the Request-URI is"))
	}
	w.and = append(w.and, w.memo.strict)
	if w.a.Kind == formula.Owner {
		return w.truth(w.owned(ByCaller))
	}
	return w.all(w.memo.node(derived{a: w.a, by: formula.OfTarget}, func() *formula.Node {
		a := *w.a
		a.Role = formula.OfTarget
		return formula.Leaf(&a)
	}).When(w.want))
}
