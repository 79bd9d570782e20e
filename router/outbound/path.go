package outbound

import (
	"context"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// Path is the action add_path.
var Path = schema.Kind{
	Name: "add_path",
	Doc: "Keeps this server on the way to who registers, RFC 3327: when a REGISTER is sent to a " +
		"registrar behind it, a Path is written with a keyed token of the flow that it came by. What " +
		"the registrar sends there brings the Path as its Route, which `loose_route` takes: the " +
		"request takes the flow, and is answered 430 when its connection has ended; so do those " +
		"of the dialog where `record_route` names us. Without effect on other requests. The " +
		"registrar has to accept a Path that the client did not ask for.",
	Schema: `{
	// Whether a client that registers with a reg-id, straight with this server, is told that it
	// may keep several flows: the parameter "ob", RFC 5626 §5.1. With it in its Contact it is
	// called by the flow within dialogs that it begins, too.
	ob?: bool
	// Whether the registrar is told the source in a parameter "received", for one that answers or
	// judges by it.
	received?: bool
}`,
	Where: schema.InRequest,
}

// Flows names flows in Paths.
type Flows interface {
	// AppendPath appends parameters of a Path that lead to f.
	AppendPath(dst []byte, f transport.Flow) []byte
}

// NewPath makes a step of Path. flows may be nil while it is only looked at.
func NewPath(flows Flows, args *schema.Value) job.Step {
	return &addPath{flows, args.Get("ob").B, args.Get("received").B}
}

// plain names the listener as it is called.
var plain = &job.RecordRoute{}

type addPath struct {
	flows        Flows
	ob, received bool
}

// Run has the engine write a Path of the listener that the REGISTER leaves by, as it does a
// Record-Route.
func (s *addPath) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	if j.Msg.Method() != sip.REGISTER || !j.Flow.Remote.IsValid() {
		return job.Next, nil
	}
	var buf [256]byte
	params := s.flows.AppendPath(buf[:0], j.Flow)
	if s.ob && asksOutbound(j.Msg) {
		params = append(params, ";ob"...)
	}
	if s.received {
		params = appendReceived(params, j.Flow)
	}
	j.RecordRoute, j.RRParams = plain, j.Bytes(params)
	return job.Next, nil
}

// asksOutbound reports whether a REGISTER came straight from a client that gives its flow a
// reg-id, RFC 5626 §5.1.
func asksOutbound(m *sip.Message) bool {
	v, ok := m.TopVia()
	if !ok {
		return false
	}
	if _, more := m.NextElement(v.Element); more {
		return false
	}
	e, ok := m.FirstElement(sip.Contact)
	if !ok {
		return false
	}
	a, err := sip.ParseNameAddr(e.Value)
	if err != nil {
		return false
	}
	_, given := a.Param("reg-id")
	return given
}

// appendReceived appends the source as OpenSIPS and Kamailio write it: a URI, of which what ends a
// parameter is escaped.
func appendReceived(dst []byte, f transport.Flow) []byte {
	dst = f.Remote.AppendTo(append(dst, ";received=sip:"...))
	if f.Transport != sip.UDP {
		dst = append(append(dst, "%3Btransport%3D"...), f.Transport.String()...)
	}
	return dst
}
