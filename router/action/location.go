package action

import (
	"context"
	"time"

	"sipedge/backends"
	"sipedge/router/job"
	"sipedge/router/proxy"
	"sipedge/router/registrar"
	"sipedge/schema"
	"sipedge/sip"
)

// locating is what every step with a location has.
type locating struct {
	proxy   *proxy.Proxy
	store   backends.Locations
	names   backends.Names
	aor     text
	given   bool // aor is
	onError arm
}

func (d *decoder) locating() (l locating) {
	l = locating{proxy: d.Proxy, onError: d.arm("on_error")}
	l.aor, l.given = d.text(d.args.Get("aor"))
	v := d.args.Get("location")
	if d.Locations == nil {
		return l // the policy is only looked at
	}
	if l.store = d.Locations(v.S); l.store == nil {
		d.errorf(v, schema.UnknownTable, "there is no location store %q", v.S)
		return l
	}
	l.names = l.store.Traits().Names
	return l
}

// appendAOR appends the address of record of the argument, else of what own gives.
func (l *locating) appendAOR(
	dst []byte, j *job.Job, own func(*sip.Message) []byte,
) (aor []byte, ok bool) {
	if !l.given {
		return registrar.AppendAOR(dst, l.names, own(j.Msg))
	}
	b := scratches.Get().(*scratch)
	defer scratches.Put(b)
	return registrar.AppendAOR(dst, l.names, l.aor.build(b, j))
}

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

var saveKind = Kind{
	Kind: schema.Kind{
		Name: "save",
		Doc: "Does what a REGISTER asks for, for all of its Contacts or for none, and answers with the " +
			"bindings there are, RFC 3261 §10.3. In a reply route the bindings become those that a " +
			"2xx to a REGISTER lists: of the registrar behind.",
		Schema: `{
	// The location store.
	location!: #Name
	// The address of record, a URI or user@host; that of To unless set.
	aor?: #Text
	// Whether it is answered: without, the run goes on. What is refused is always answered.
	reply?: bool
	// The sub-route taken when the store can't answer; 503 unless set.
	on_error?: #Name
` + registrar.Schema + `}`,
		Where:    schema.InRequest | schema.InReply,
		Ending:   schema.EndsByArgs,
		EndsWhen: func(args *schema.Value) bool { return !args.Has("reply") || args.Get("reply").B },
		Arms:     []string{"on_error"},
		Asks:     true,
	},
	New: build(func(d *decoder) job.Step {
		s := &save{locating: d.locating(), silent: d.args.Has("reply") && !d.args.Get("reply").B}
		var diags schema.Diagnostics
		s.rules, diags = registrar.RulesOf(d.args)
		d.diags = append(d.diags, diags...)
		return s
	}),
}

type save struct {
	locating
	rules  *registrar.Rules
	silent bool
}

func (s *save) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	reply := j.Place == schema.InReply
	if j.Msg.Method() != sip.REGISTER || reply && j.Msg.Status()/100 != 2 {
		return job.Next, nil
	}
	var buf [backends.MaxUser + backends.MaxDomain + 1]byte
	aor, ok := s.appendAOR(buf[:0], j, toURI)
	r := registrar.Read(j, s.rules, now(j))
	defer r.Free()
	switch {
	case r.Status != 0:
	case !ok:
		r.Status = 400
	default:
		if err := s.store.Update(ctx, aor, now(j), r); err != nil && !reply {
			return s.onError.take(ctx, j, s.proxy, 503), nil
		}
	}
	if reply || s.silent && r.Status == 200 {
		return job.Next, nil
	}
	return s.proxy.Reply(j, r.Status, r.Reason, r.Lines, false), nil
}

var lookupKind = Kind{
	Kind: schema.Kind{
		Name: "lookup",
		Doc: "Makes the bindings of an address of record the target set, for `relay` to send to. A " +
			"binding is reached by its Path, or where it registered from, or by its Contact, and by " +
			"the listener it came by. When there is none the arm runs; without it the request is " +
			"answered 404.",
		Schema: `{
	// The location store.
	location!: #Name
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
	},
	New: build(func(d *decoder) job.Step {
		return &lookup{
			locating: d.locating(), none: d.int("none", 404),
			onNone: d.arm("on_none"), onMethod: d.arm("on_method"),
			how: registrar.Lookup{
				Methods: d.args.Get("methods").B || d.args.Has("on_method"),
				Newest:  d.args.Get("order").S == "newest",
				First:   d.args.Has("branches") && !d.args.Get("branches").B,
				Serial:  d.args.Get("serialize").B,
			},
		}
	}),
}

type lookup struct {
	locating
	how              registrar.Lookup
	none             int
	onNone, onMethod arm
}

func (s *lookup) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	var buf [backends.MaxUser + backends.MaxDomain + 1]byte
	set := registrar.GetSet()
	defer registrar.PutSet(set)
	if aor, ok := s.appendAOR(buf[:0], j, (*sip.Message).RURI); ok {
		if err := s.store.Lookup(ctx, aor, now(j), set); err != nil {
			return s.onError.take(ctx, j, s.proxy, 503), nil
		}
	}
	switch s.how.Targets(j, set.Bindings, s.proxy.Room(j)) {
	case registrar.Some:
		return job.Next, nil
	case registrar.Unsupported:
		if s.onMethod.route == nil && j.Place == schema.InRequest && j.Msg.Method() != sip.ACK {
			return s.proxy.Reply(j, 405, "", registrar.Allowed(set.Bindings), false), nil
		}
		return s.onMethod.take(ctx, j, s.proxy, 405), nil
	}
	return s.onNone.take(ctx, j, s.proxy, s.none), nil
}

var unregisterKind = Kind{
	Kind: schema.Kind{
		Name: "unregister",
		Doc:  "Removes all bindings of an address of record.",
		Schema: `{
	// The location store.
	location!: #Name
	// The address of record, a URI or user@host; that of To unless set.
	aor?: #Text
}`,
		Where: schema.InRequest | schema.InReply,
		Asks:  true,
	},
	New: build(func(d *decoder) job.Step { return &unregister{d.locating()} }),
}

type unregister struct{ locating }

func (s *unregister) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	var buf [backends.MaxUser + backends.MaxDomain + 1]byte
	aor, ok := s.appendAOR(buf[:0], j, toURI)
	if !ok {
		return job.Next, nil
	}
	return job.Next, s.store.Update(ctx, aor, now(j), registrar.Clear{})
}
