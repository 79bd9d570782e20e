package action

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"sipedge/router/job"
	"sipedge/router/proxy"
	"sipedge/schema"
	"sipedge/sip"
)

var errParams = errors.New("not a list of URI parameters")

var recordRouteKind = Kind{
	Kind: schema.Kind{
		Name: "record_route",
		Doc: "Keeps this server on the path of the dialog: when the request is sent, a " +
			"Record-Route with a keyed tag is written per branch, two where the request leaves by " +
			"another listener than it came by. A REGISTER never gets one.",
		Schema: `{
	// What it calls this server, instead of what the listener is called: a name that leads to
	// it, and is among its listeners or aliases. Of two the first is written for the side the
	// request came by, the second for the side it leaves by; one is for both.
	preset?: [#HostPort, #HostPort] | [#HostPort]
	// Parameters that later requests of the dialog bring back, under the tag: "a=b;c".
	params?: #Text
}`,
		Where: schema.InRequest | schema.InBranch | schema.InFailure,
	},
	New: build(func(d *decoder) job.Step {
		v := d.args.Get("params")
		t, ok := d.text(v)
		switch {
		case !ok || !t.literal():
		case !areParams(t.lit):
			d.errorf(v, schema.BadValue, "%q is not a list of parameters like \"a=b;c\"", v.S)
		case takesOurs(t.lit):
			d.errorf(v, schema.ReservedField, "lr, maddr, r2, t and transport are the engine's")
		}
		return &recordRoute{t, d.preset()}
	}),
}

type recordRoute struct {
	params text
	as     *job.RecordRoute
}

// preset is how the Record-Route names this server.
func (d *decoder) preset() *job.RecordRoute {
	as := new(job.RecordRoute)
	names := d.args.Get("preset").Items
	for i := range names {
		v := &names[i]
		u, err := sip.ParseURI([]byte("sip:" + v.S))
		if err != nil || d.Own != nil && !d.Own.Self.Listener(u.Host, u.Port, sip.NoTransport) {
			d.errorf(v, schema.BadValue,
				"%q is not this server: it is none of its listeners or aliases", v.S)
		}
		if i == 0 {
			as.In = []byte(v.S)
		}
		as.Out = []byte(v.S)
	}
	return as
}

func (s *recordRoute) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	if j.Msg.Method() == sip.REGISTER {
		return job.Next, nil
	}
	params := s.params.expand(j)
	if len(params) > 0 {
		if !areParams(params) || takesOurs(params) {
			return job.Next, errParams
		}
		b := scratches.Get().(*scratch)
		b.b = append(append(b.b[:0], ';'), params...)
		j.RRParams = j.Bytes(b.b)
		scratches.Put(b)
	}
	j.RecordRoute = s.as
	return job.Next, nil
}

// areParams reports whether b is URI parameters, RFC 3261 §25.1, without the first semicolon.
func areParams(b []byte) bool {
	name := true // in a name, or before one
	length := 0
	for _, c := range b {
		switch {
		case c == ';':
			if name && length == 0 {
				return false
			}
			name, length = true, 0
			continue
		case c == '=' && name && length > 0:
			name, length = false, 0
			continue
		case !isParam(c):
			return false
		}
		length++
	}
	return length > 0
}

// takesOurs reports whether a parameter has a name by which the engine finds its own way.
func takesOurs(params []byte) bool {
	for name := range bytes.SplitSeq(params, []byte(";")) {
		name, _, _ = bytes.Cut(name, []byte("="))
		switch strings.ToLower(string(name)) {
		case "flow", "lr", "maddr", "r2", "t", "transport":
			return true
		}
	}
	return false
}

func isParam(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	switch c {
	case '-', '_', '.', '!', '~', '*', '\'', '(', ')', '[', ']', '/', ':', '&', '+', '$', '%':
		return true
	}
	return false
}

var looseRouteKind = Kind{
	Kind: schema.Kind{
		Name: "loose_route",
		Doc: "Takes our own Route out of the request and lets it follow the rest, RFC 3261 §16.4; " +
			"requests of strict routers are put right. Only a Route with a tag of ours is taken, or " +
			"in a request that begins something a Path of `add_path`, whose flow it then takes; " +
			"without one the arm runs: 404 unless set, and an ACK is dropped.",
		Schema: `{
	// tag: the Route must bear the keyed tag of this dialog. none: any Route to us is
	// taken, for peers that mangle it.
	verify?: "tag" | "none"
	// The sub-route taken when no such Route stands on top.
	on_none?: #Name
}`,
		Where:  schema.InRequest,
		Ending: schema.Arm,
		Arms:   []string{"on_none"},
	},
	New: build(func(d *decoder) job.Step {
		return &looseRoute{d.Proxy, d.args.Get("verify").S != "none", d.arm("on_none")}
	}),
}

type looseRoute struct {
	proxy  *proxy.Proxy
	verify bool
	onNone arm
}

func (s *looseRoute) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	if s.proxy.LooseRoute(j, s.verify) {
		return job.Next, nil
	}
	return s.onNone.take(ctx, j, s.proxy, 404), nil
}

var maxForwardsKind = Kind{
	Kind: schema.Kind{
		Name: "max_forwards",
		Doc: "Checks before anything is sent that the request may still go so many hops; the arm " +
			"answers 483 unless set. The engine lowers Max-Forwards, and refuses 0, by itself.",
		Schema: `{
	// Hops that must be left, 1 unless set.
	limit?: int & >=1 & <=255
	// The sub-route taken when fewer are left.
	on_exceed?: #Name
}`,
		Where:  schema.InRequest,
		Ending: schema.Arm,
		Arms:   []string{"on_exceed"},
	},
	New: build(func(d *decoder) job.Step {
		limit := max(1, int(d.args.Get("limit").N))
		return &maxForwards{d.Proxy, limit, d.arm("on_exceed")}
	}),
}

type maxForwards struct {
	proxy    *proxy.Proxy
	limit    int
	onExceed arm
}

func (s *maxForwards) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	if n, ok := j.Msg.MaxForwards(); !ok || n >= s.limit {
		return job.Next, nil
	}
	return s.onExceed.take(ctx, j, s.proxy, 483), nil
}
