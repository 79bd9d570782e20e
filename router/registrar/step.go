package registrar

import (
	"context"
	"time"

	"sipedge/backends"
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/schema"
	"sipedge/sip"
)

// Env is what the steps of this package are made of.
type Env struct {
	Proxy     Proxy
	Locations func(name string) backends.Locations // of action.Env
	Live      bool                                 // the step is to run: else it is looked at
	Where     schema.Place                         // route types it may run in
	Args      *schema.Value                        // passed the Schema
	// Text is a template of the arguments, appended to b for j; nil: there is none.
	Text func(key string) func(b []byte, j *job.Job) []byte
	// Arm is a failure arm of the arguments, or what is done without, given false: an answer.
	Arm func(key string) (arm Arm, given bool)
}

// Arm is taken instead of the rest of a run.
type Arm func(ctx context.Context, j *job.Job, status int) job.Verdict

// Proxy is what steps need of the proxy core.
type Proxy interface {
	Reply(j *job.Job, status int, reason string, extra []byte, stateful bool) job.Verdict
	Room(j *job.Job) int
	Guard() *nexthop.Guard
}

// located is what every step with a location has.
type located struct {
	store   backends.Locations
	traits  backends.Traits
	text    func(b []byte, j *job.Job) []byte // of the address of record; nil: own says it
	own     func(m *sip.Message) []byte
	onError Arm
}

func (e *Env) located(own func(m *sip.Message) []byte) (l located, diags schema.Diagnostics) {
	l = located{text: e.Text("aor"), own: own}
	l.onError, _ = e.Arm("on_error")
	name := e.Args.Get("location")
	if e.Locations != nil {
		l.store = e.Locations(name.S)
	}
	switch {
	case l.store != nil:
		l.traits = l.store.Traits()
		if l.traits.UpdateWaits && e.Where&schema.InReply != 0 {
			diags = append(diags, name.Problem(schema.WrongBackend,
				"a reply route can't wait for the location store %q", name.S))
		}
	case e.Locations != nil, e.Live:
		diags = append(diags,
			name.Problem(schema.WrongBackend, "%q is no location store", name.S))
	}
	return l, diags
}

// appendAOR appends the address of record the step is about.
func (l *located) appendAOR(dst []byte, j *job.Job) (aor []byte, ok bool) {
	if l.text == nil {
		return AppendAOR(dst, l.traits.Names, l.own(j.Msg))
	}
	var buf [maxAOR]byte
	return AppendAOR(dst, l.traits.Names, l.text(buf[:0], j))
}

const maxAOR = backends.MaxUser + backends.MaxDomain + 1

func toURI(m *sip.Message) []byte {
	if a, ok := m.To(); ok {
		return a.URI
	}
	return nil
}

func now(j *job.Job) time.Time {
	if j.Now.IsZero() {
		return time.Now()
	}
	return j.Now
}

// Save is the action save.
var Save = schema.Kind{
	Name: "save",
	Doc: "Does what a REGISTER asks for, for all of its Contacts or for none, and answers with the " +
		"bindings there are, RFC 3261 §10.3. In a reply route the bindings become those that a " +
		"2xx to a REGISTER lists: of the registrar behind.",
	Schema: `{
	// The location store.
	location!: #BackendName
	// The address of record, a URI or user@host; that of To unless set.
	aor?: #Text
	// Whether it is answered: without, the run goes on. What is refused is always answered.
	reply?: bool
	// The sub-route taken when the store can't answer; 503 unless set.
	on_error?: #Name
` + rulesSchema + `}`,
	Where:  schema.InRequest | schema.InReply,
	Ending: schema.EndsByArgs,
	EndsWhen: func(args *schema.Value) bool {
		return !args.Has("reply") || args.Get("reply").B
	},
	Arms: []string{"on_error"},
	Asks: true,
}

type save struct {
	located
	proxy  Proxy
	rules  *Rules
	silent bool
}

// NewSave makes a step of Save.
func NewSave(e *Env) (job.Step, schema.Diagnostics) {
	l, diags := e.located(toURI)
	rules, wrong := rulesOf(e.Args)
	return &save{l, e.Proxy, rules, !Save.EndsWhen(e.Args)}, append(diags, wrong...)
}

// Waits implements job.Waiter.
func (s *save) Waits() bool { return s.traits.UpdateWaits }

func (s *save) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	reply := j.Place == schema.InReply
	if j.Msg.Method() != sip.REGISTER || reply && j.Msg.Status()/100 != 2 {
		return job.Next, nil
	}
	if s.Waits() && !j.MayWait {
		return job.Wait, nil
	}
	var buf [maxAOR]byte
	aor, ok := s.appendAOR(buf[:0], j)
	r := Read(j, s.rules, now(j))
	defer r.Free()
	if ok && r.Status == 0 && !reply {
		r.guard(s.proxy.Guard(), j)
	}
	switch {
	case r.Status != 0:
	case !ok:
		r.refuse(400, "Bad Address Of Record")
	default:
		if err := s.store.Update(ctx, aor, now(j), r); err != nil && !reply {
			return s.onError(ctx, j, 503), nil
		}
	}
	if reply || s.silent && r.Status == 200 {
		return job.Next, nil
	}
	return s.proxy.Reply(j, r.Status, r.Reason, r.Lines, false), nil
}

// Find is the action lookup.
var Find = schema.Kind{
	Name: "lookup",
	Doc: "Makes the bindings of an address of record the target set, for `relay` to send to. A " +
		"binding is reached by its Path, or where it registered from, or by its Contact, and by " +
		"the listener it came by. A sips Request-URI has sips bindings alone. When there is none " +
		"the arm runs; without it the request is answered 404, or 480 where none is secure.",
	Schema: `{
	// The location store.
	location!: #BackendName
	// The address of record, a URI or user@host; that of the Request-URI unless set.
	aor?: #Text
	// Whether all bindings are rung, which is so unless set, or the first alone.
	branches?: bool
	// Whether those of a lower q are rung when those of a higher one failed: without, all at once.
	serialize?: bool
	// Which come first: those of the highest q, unless set, or those registered last.
	order?: "q" | "newest"
	// Whether bindings that do not allow the method are left out.
	methods?: bool
	// Whether gateways of the policy register by UDP, as in ` + "`save`" + `: without, a binding by a
	// datagram that said to come from one is not called, and counts as 403.
	gateways?: bool
	// The answer where there is no binding and no arm, 404 unless set.
	none?: 404 | 480
	// The sub-route taken when there is no binding.
	on_none?: #Name
	// The sub-route taken when no binding allows the method, as ` + "`methods`" + `; 405 unless set.
	on_method?: #Name
	// The sub-route taken when the store can't answer; 503 unless set.
	on_error?: #Name
}`,
	Where:  schema.InRequest | schema.InFailure,
	Ending: schema.Arm,
	Arms:   []string{"on_none", "on_method", "on_error"},
	Asks:   true,
}

type find struct {
	located
	proxy            Proxy
	how              Lookup
	none             int
	onNone, onMethod Arm
	method           bool // onMethod is given
}

// NewFind makes a step of Find.
func NewFind(e *Env) (job.Step, schema.Diagnostics) {
	l, diags := e.located((*sip.Message).RURI)
	s := &find{located: l, proxy: e.Proxy, none: 404, how: Lookup{
		Methods: e.Args.Get("methods").B || e.Args.Has("on_method"),
		Newest:  e.Args.Get("order").S == "newest",
		First:   e.Args.Has("branches") && !e.Args.Get("branches").B,
		Serial:  e.Args.Get("serialize").B,

		Gateways: e.Args.Get("gateways").B,
	}}
	if n := e.Args.Get("none").N; n != 0 {
		s.none = int(n)
	}
	s.onNone, _ = e.Arm("on_none")
	s.onMethod, s.method = e.Arm("on_method")
	return s, diags
}

// Waits implements job.Waiter.
func (s *find) Waits() bool { return s.traits.LookupWaits }

func (s *find) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	if s.Waits() && !j.MayWait {
		return job.Wait, nil
	}
	var buf [maxAOR]byte
	set := getSet()
	defer putSet(set)
	if aor, ok := s.appendAOR(buf[:0], j); ok {
		if err := s.store.Lookup(ctx, aor, now(j), set); err != nil {
			return s.onError(ctx, j, 503), nil
		}
	}
	switch s.how.Targets(j, set.Bindings, s.proxy.Room(j), s.proxy.Guard()) {
	case Some:
		return job.Next, nil
	case Insecure:
		return s.onNone(ctx, j, 480), nil
	case Unsupported:
		if !s.method && j.Place == schema.InRequest && j.Msg.Method() != sip.ACK {
			return s.proxy.Reply(j, 405, "", allowed(set.Bindings), false), nil
		}
		return s.onMethod(ctx, j, 405), nil
	}
	return s.onNone(ctx, j, s.none), nil
}

// Unregister is the action unregister.
var Unregister = schema.Kind{
	Name: "unregister",
	Doc:  "Removes all bindings of an address of record.",
	Schema: `{
	// The location store.
	location!: #BackendName
	// The address of record, a URI or user@host; that of To unless set.
	aor?: #Text
	// The sub-route taken when the store can't answer; 503 unless set.
	on_error?: #Name
}`,
	Where:  schema.InRequest | schema.InReply,
	Ending: schema.Arm,
	Arms:   []string{"on_error"},
	Asks:   true,
}

type unregister struct{ located }

// NewUnregister makes a step of Unregister.
func NewUnregister(e *Env) (job.Step, schema.Diagnostics) {
	l, diags := e.located(toURI)
	return &unregister{l}, diags
}

// Waits implements job.Waiter.
func (s *unregister) Waits() bool { return s.traits.UpdateWaits }

func (s *unregister) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	if s.Waits() && !j.MayWait {
		return job.Wait, nil
	}
	var buf [maxAOR]byte
	aor, ok := s.appendAOR(buf[:0], j)
	if !ok {
		return job.Next, nil
	}
	if err := s.store.Update(ctx, aor, now(j), new(Removal)); err != nil && j.Place != schema.InReply {
		return s.onError(ctx, j, 503), nil
	}
	return job.Next, nil
}
