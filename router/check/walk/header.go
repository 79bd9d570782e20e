package walk

import (
	"strings"

	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/sip"
)

// header looks at a step that wrote a header field.
func (w *trace) header(e *event, t int) *formula.Node {
	w.ran(e)
	s := e.step
	if s.Src.Kind == "remove_header" {
		return w.all(w.fields(false))
	}
	w.added = append([]value{{s.Text(w.key), w.moment(t)}}, w.added...)
	if s.Src.Kind == "set_header" {
		return w.all(w.fields(false))
	}
	return nil
}

// fields is the atom of a header field that has what was added, behind those that were
// received, if these are there.
func (w *trace) fields(received bool) *formula.Node {
	if w.a.One && (received || len(w.added) != 1) {
		return w.indexed(received)
	}
	if w.a.One && w.a.Index != 0 && w.a.Index != -1 {
		return formula.Truth(!w.want)
	}
	var some []*formula.Node // of which one must hold
	if received {
		some = append(some, formula.Leaf(w.a).When(w.want))
	}
	for _, v := range w.added {
		full, is := w.says(v.t, filled), w.field(v.t)
		if full == nil || is == nil {
			return w.cannot("what a step writes into " + w.key)
		}
		both := w.memo.node(derived{a: w.a, by: v.t}, func() *formula.Node {
			return formula.All(full, is)
		})
		some = append(some, w.why(both, w.want, v.at))
	}
	return &formula.Node{Some: w.want, Kids: some}
}

// indexed is the atom of one of several header fields. Those that were received stand before
// those that were added.
func (w *trace) indexed(received bool) *formula.Node {
	is := make([]bool, len(w.added))
	for i, v := range w.added {
		n := w.field(v.t)
		if !v.t.Constant() || v.t.Pre == "" || n == nil {
			return w.cannot("how many " + w.key + " there are")
		}
		is[i] = n == formula.Always
	}
	index, behind := w.a.Index, w.a.Index+len(is)
	switch {
	case index < 0 && behind >= 0:
		return formula.Truth(is[behind] == w.want)
	case !received:
		return formula.Truth((index >= 0 && index < len(is) && is[index]) == w.want)
	case index < 0:
		return w.memo.node(derived{a: w.a, by: behind}, func() *formula.Node {
			a := *w.a
			a.Index = behind
			return formula.Leaf(&a)
		}).When(w.want)
	}
	return w.memo.node(derived{a: w.a, by: w.added[0].t, n: len(is)}, func() *formula.Node {
		some := []*formula.Node{formula.Leaf(w.a)}
		for n := max(0, index-len(is)+1); n <= index; n++ { // so many were received
			if is[index-n] {
				only := []*formula.Node{w.memo.present(w.a.Slot, n).Not()}
				if n > 0 {
					only = append(only, w.memo.present(w.a.Slot, n-1))
				}
				some = append(some, formula.All(only...))
			}
		}
		return formula.OneOf(some...)
	}).When(w.want)
}

// field is what the atom asks of one field that a template was written into; nil: that can't
// be said.
func (w *trace) field(t *graph.Text) *formula.Node {
	list := sip.LookupHeader([]byte(w.key)).IsList()
	switch {
	case list && (!t.Constant() || strings.Contains(t.Pre, ",")):
		return nil // it may be several
	case w.a.Presence:
		return formula.Always
	case w.a.Kind == formula.Contact:
		n, err := sip.ParseNameAddr([]byte(t.Pre))
		u, bad := sip.ParseURI(n.URI)
		return formula.Truth(err == nil && bad == nil && !n.Star &&
			w.a.Sub.Holds(func(l formula.Lit) bool { return l.HoldsURI(&u, w.p.World.IsMyself) }))
	}
	return w.says(t, w.a.Text)
}
