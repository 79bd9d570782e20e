package action

import (
	"context"
	"errors"
	"slices"

	"sipedge/router/edit"
	"sipedge/router/job"
	"sipedge/router/uac"
	"sipedge/schema"
)

var errTo = errors.New("not a URI a request can go to")

// dialogs are the methods that belong to a call, which the router has none of.
var dialogs = []string{"INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE"}

var sendRequestKind = Kind{
	Kind: schema.Kind{
		Name: "send_request",
		Doc: "Sends a request of the router's own, outside of any dialog: it leaves when the " +
			"run has ended, by way of the local route, and its answer is only counted. Nothing " +
			"waits for it. Of `limits.requests` that wait for an answer, another fails the run.",
		Schema: `{
	// The method; none of those that make up a call.
	method!: #Method
	// The Request-URI and the URI of To, a sip URI.
	to!: #Text
	// The URI of From; the first of our domains, or our address, unless set.
	from?: #Text
	// The next hop, a sip URI; else the Request-URI leads.
	next_hop?: #Text
	// Header fields to add, by name.
	headers?: {[#HeaderName]: #Text}
	// The body.
	body?: #Text
	// What the body is; text/plain unless set.
	content_type?: #Text
}`,
		Where: schema.InFailure | schema.InStartup | schema.InTimer,
		Asks:  true,
	},
	New: build(func(d *decoder) job.Step {
		s := &sendRequest{agent: d.Agent, set: d.Own, method: d.args.Get("method").S}
		if v := d.args.Get("method"); slices.Contains(dialogs, v.S) {
			d.errorf(v, schema.BadValue, "%s belongs to a call; a request of our own is outside of any",
				v.S)
		}
		s.hopSet = d.args.Has("next_hop")
		if s.hopSet {
			s.to, _ = d.hop(d.args.Get("to"))
			s.hop, _ = d.nextHop(d.args.Get("next_hop"))
		} else {
			s.to, _ = d.nextHop(d.args.Get("to"))
		}
		s.from, _ = d.uri(d.args.Get("from"))
		s.headers = d.lines(d.args.Get("headers"))
		s.kind, _ = d.text(d.args.Get("content_type"))
		s.body = d.body(d.args.Get("body"))
		return s
	}),
}

// body compiles a template that may have line breaks.
func (d *decoder) body(v *schema.Value) text {
	if v.Kind != schema.String {
		return text{}
	}
	tmpl, diags := d.Vars.Compile(schema.Text{S: v.S, Pos: v.Pos}, d.Where)
	d.diags = append(d.diags, diags...)
	return text{tmpl: tmpl}
}

type sendRequest struct {
	agent         *uac.Agent
	set           *uac.Settings
	method        string
	to, from, hop text
	hopSet        bool
	headers       []field
	kind, body    text
}

func (s *sendRequest) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	r := uac.Request{Method: s.method, URI: s.to.expand(j), From: s.from.expand(j)}
	r.HopLocal = s.to.literal()
	if s.hopSet {
		r.Hop, r.HopLocal = s.hop.expand(j), s.hop.literal()
		if !edit.IsHop(r.Hop) {
			return job.Next, errHop
		}
	}
	if !edit.IsHop(r.URI) || !edit.IsRequestURI(r.URI) ||
		r.From != nil && !edit.IsRequestURI(r.From) {
		return job.Next, errTo
	}
	for i := range s.headers {
		r.Headers = s.headers[i].appendLine(r.Headers, j)
	}
	if s.body.tmpl != nil {
		r.Body = s.body.expand(j)
		kind := s.kind.expand(j)
		if len(kind) == 0 {
			kind = []byte("text/plain")
		}
		r.Headers = append(edit.AppendLine(append(r.Headers, "Content-Type: "...), kind), "\r\n"...)
	}
	return job.Next, s.agent.Send(j, s.set, &r)
}
