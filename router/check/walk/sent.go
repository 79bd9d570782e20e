package walk

import (
	"slices"

	"sipedge/router/check/formula"
	"sipedge/router/check/graph"
	"sipedge/schema"
)

// sent is the atom of a request that send_request made, for the local route.
func (w *trace) sent(p phase) *formula.Node {
	const unknown = "what send_request sends"
	args := &p.step.Src.Args
	truth := func(is bool) *formula.Node { return formula.Truth(is == w.want) }
	switch w.a.Kind {
	case formula.Method:
		return truth(slices.Contains(w.a.Names, args.Get("method").S))
	case formula.Scheme, formula.User, formula.Written, formula.Host, formula.Port, formula.Myself,
		formula.Param:
		return w.sentURI(args)
	case formula.MaxForwards:
		return truth(w.a.HoldsNumber(70))
	case formula.InDialog, formula.Direction, formula.Variable:
		return truth(false)
	case formula.Header, formula.Contact:
		return w.sentHeader(args, p)
	case formula.BodyType, formula.Session, formula.Private, formula.Media:
		if !args.Has("body") {
			return truth(w.a.Kind == formula.BodyType && w.a.Text.Holds(""))
		}
	case formula.Opaque:
		return w.memo.received(w.a, p).When(w.want)
	}
	return w.cannot(unknown)
}

// sentURI is the atom of one of its URIs.
func (w *trace) sentURI(args *schema.Value) *formula.Node {
	text := args.Get("to").S
	if w.a.Role == formula.OfFrom {
		if text = "sip:" + w.p.World.Name; args.Has("from") {
			text = args.Get("from").S
		}
	}
	t := graph.ReadTarget(text)
	if t.User != nil || t.Rest == nil {
		return w.cannot("where send_request sends")
	}
	return formula.Truth(w.holdsURI(t.Rest) == w.want)
}

// sentHeader is the atom of one of its header fields.
func (w *trace) sentHeader(args *schema.Value, p phase) *formula.Node {
	headers := args.Get("headers")
	for i := range headers.Keys {
		if k := &headers.Keys[i]; graph.KeyNamed(k.Name) == w.key {
			before := slices.IndexFunc(w.phases, func(q phase) bool { return q.step == p.step }) - 1
			at := moment{events: p.at, phase: before}
			w.added = append([]value{{graph.ReadText(k.S), at}}, w.added...)
			return w.fields(false)
		}
	}
	switch w.key {
	case "Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type":
		return w.cannot("what send_request sends")
	}
	return w.fields(false)
}
