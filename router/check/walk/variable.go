package walk

import (
	"slices"
	"strconv"

	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/router/check/pattern"
	"sipedge/sip"
)

// filled holds for texts that are not empty.
var filled = pattern.Filled()

// says is Text.Says, the same for what is the same.
func (w *trace) says(t *graph.Text, p *pattern.Pattern) *formula.Node {
	return w.memo.node(derived{p: p, by: t}, func() *formula.Node { return t.Says(p) })
}

// variable looks at a step that wrote a variable.
func (w *trace) variable(e *event, t int) *formula.Node {
	w.ran(e)
	s := e.step
	switch s.Src.Kind {
	case "unset":
		return w.truth(false)
	case "pop":
		if e.deep > 0 {
			w.depth++
		}
		return nil
	}
	v := s.Text(w.key)
	push := s.Src.Kind == "push"
	certain := v.Constant() && w.p.Fits(w.key, v.Pre)
	switch {
	case push && !certain && w.p.Popped&w.p.Bit(w.key) != 0:
		return w.all(w.cannot("how many values " + w.key + " has"))
	case push && w.depth > 0:
		w.depth--
		return nil
	case w.depth > 0: // set leaves one
		return w.truth(false)
	}
	now := w.then(w.test(v), t, s)
	full := w.says(v, filled)
	if !push || certain || full == nil {
		return w.all(now)
	}
	then := w.moment(t)
	before := w.Run.atom(w.a, w.want, then)
	return w.all(formula.OneOf(
		formula.All(w.why(full, true, then), now), formula.All(w.why(full, false, then), before)))
}

// test is the atom of a variable that was set to a text; nil: that can't be said.
func (w *trace) test(v *graph.Text) *formula.Node {
	kind := w.p.Types[w.key]
	full := w.says(v, filled)
	switch {
	case v.Constant():
		return formula.Truth(w.variableIs(v.Pre))
	case kind == "ip" && v.Known && v.Of.Kind == formula.Source && v.Pre+v.Post == "":
		if w.a.Presence {
			return formula.Always
		}
		return w.memo.node(derived{a: w.a, by: v}, func() *formula.Node {
			return formula.Leaf(&formula.Atom{Slot: *v.Of, Nets: w.a.Nets})
		})
	case full == nil:
		return nil
	case kind == "bool":
		return w.says(v, w.memo.exact(w.a.Names[0]))
	case kind != "string":
		return nil
	case w.a.Presence:
		return full
	}
	is := w.says(v, w.a.Text)
	if is == nil {
		return nil
	}
	return w.memo.node(derived{a: w.a, p: w.a.Text, by: v}, func() *formula.Node {
		return formula.All(full, is)
	})
}

// variableIs evaluates the atom of a variable that was set to a text.
func (w *trace) variableIs(value string) bool {
	a := w.a
	switch {
	case !w.p.Fits(w.key, value):
		return false
	case a.Presence:
		return true
	case a.Text != nil:
		return a.Text.Holds(value)
	case a.Nums != nil:
		n, err := strconv.ParseInt(value, 10, 64)
		return err == nil && a.HoldsNumber(n)
	case a.Nets != nil:
		addr, ok := sip.ParseAddr([]byte(value))
		return ok && a.HoldsAddr(addr.Unmap())
	}
	return slices.Contains(a.Names, value)
}
