package nat

import (
	"bytes"
	"context"
	"net/netip"

	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/sdp"
	"sipedge/sip/transport"
)

// Fix is the action fix_nat.
var Fix = schema.Kind{
	Name: "fix_nat",
	Doc: "Has the Contact of a client behind a NAT lead back by the flow the message came by: for " +
		"requests of its dialog, which `loose_route` sends there, with the Contact as its client " +
		"wrote it. Without effect on what came by another proxy, and on a REGISTER, of which `save` " +
		"keeps the flow.",
	Schema: `{
	// flow: a parameter with a keyed token is added. rewrite: host and port become those that
	// the message came from, for peers that keep no parameters; then the client gets requests for
	// what it never called itself. keep: as it is. flow unless set.
	contact?: "flow" | "rewrite" | "keep"
	// Whether private connection addresses in the session description become the one that the
	// message came from.
	sdp?: bool
}`,
	Where: schema.InRequest | schema.InReply,
}

// Flows names flows in Contacts.
type Flows interface {
	// AppendFlow appends a URI with a parameter that leads to f in the dialog of a Call-ID.
	AppendFlow(dst, uri []byte, f transport.Flow, callID []byte) []byte
}

// NewFix makes a step of Fix. flows may be nil while it is only looked at.
func NewFix(flows Flows, args *schema.Value) job.Step {
	f := &fix{sdp: args.Get("sdp").B}
	switch args.Get("contact").S {
	case "keep":
	case "rewrite":
		f.contact = appendRewritten
	default:
		f.contact = func(dst, uri []byte, j *job.Job) []byte {
			return flows.AppendFlow(dst, uri, j.Flow, j.Msg.CallID())
		}
	}
	return f
}

type fix struct {
	contact func(dst, uri []byte, j *job.Job) []byte // nil: it is kept
	sdp     bool
}

func (s *fix) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	if !j.Flow.Remote.IsValid() || !direct(j) {
		return job.Next, nil
	}
	if s.contact != nil && hasTarget(j.Msg) {
		s.fixContact(j)
	}
	if s.sdp {
		reconnect(j)
	}
	return job.Next, nil
}

// direct reports whether the message came from who wrote it: a request has one Via, in a reply
// the first to ask for later requests, after its sender, is this router.
func direct(j *job.Job) bool {
	if j.Place == schema.InReply {
		e, ok := j.Msg.FirstElement(sip.RecordRoute)
		return !ok || identity.OwnRoute(j.Self, e)
	}
	v, ok := j.Msg.TopVia()
	if !ok {
		return false
	}
	_, more := j.Msg.NextElement(v.Element)
	return !more
}

// hasTarget reports whether the Contact is the remote target of a dialog, RFC 3261 §12.1: not a
// binding, nor where a redirection leads.
func hasTarget(m *sip.Message) bool {
	return m.Method() != sip.REGISTER && (m.IsRequest() || m.Status() < 300)
}

// fixContact rewrites the first Contact; a message with a remote target has one.
func (s *fix) fixContact(j *job.Job) {
	e, ok := j.Msg.FirstElement(sip.Contact)
	if !ok {
		return
	}
	a, err := sip.ParseNameAddr(e.Value)
	if err != nil || a.Star {
		return
	}
	u, err := sip.ParseURI(a.URI)
	if err != nil || u.Scheme != sip.SIP && u.Scheme != sip.SIPS {
		return
	}
	var buf [512]byte
	out := append(append(buf[:0], a.Display...), '<')
	if n := bytes.Index(e.Value[len(a.Display):], a.URI); n > 0 { // white space and all
		out = append(buf[:0], e.Value[:len(a.Display)+n]...)
	}
	out = append(s.contact(out, a.URI, j), '>')
	out = append(out, a.Params...)
	j.Msg.SetElement(e, out)
}

// appendRewritten appends a URI with the source as its host and port.
func appendRewritten(dst, uri []byte, j *job.Job) []byte {
	u, _ := sip.ParseURI(uri) // it is one
	dst = append(append(dst, u.Scheme.String()...), ':')
	if u.User != nil {
		dst = append(dst, u.User...)
		if u.Password != nil {
			dst = append(append(dst, ':'), u.Password...)
		}
		dst = append(dst, '@')
	}
	source := j.Flow.Remote
	dst = netip.AddrPortFrom(source.Addr().Unmap().WithZone(""), source.Port()).AppendTo(dst)
	dst = append(dst, u.Params...)
	if u.Headers != nil {
		dst = append(append(dst, '?'), u.Headers...)
	}
	return dst
}

// reconnect puts the source for private connection addresses of the session description.
func reconnect(j *job.Job) {
	body := j.Msg.Body()
	from, to, ok := sdp.Span(j.Msg.Get(sip.ContentType), body)
	if !ok || !sdp.HasPrivate(body[from:to]) {
		return
	}
	out := append(make([]byte, 0, len(body)+64), body[:from]...)
	out = sdp.AppendReconnected(out, body[from:to], j.Flow.Remote.Addr().Unmap().WithZone(""))
	j.Msg.SetBody("", append(out, body[to:]...))
}
