package gateway

import (
	"bytes"
	"context"
	"errors"
	"time"

	"sipedge/router/edit"
	"sipedge/router/job"
	"sipedge/router/vars"
	"sipedge/schema"
	"sipedge/sip"
)

// Env is what the steps of this package are made of.
type Env struct {
	Registry *Registry
	Sets     *Sets
	Args     *schema.Value // passed the Schema
	// Text is a template of the arguments, appended to b for j; nil: there is none.
	Text func(key string) func(b []byte, j *job.Job) []byte
	// Variables finds those that an argument names.
	Variables func(v *schema.Value) []*vars.Var
	Unfit     func() // counts a value that was none for its variable; nil: nobody does
	// Arm is a failure arm of the arguments, or what is done without.
	Arm func(key string) Arm
}

// Arm is taken instead of the rest of a run; off its end the request is answered status.
type Arm func(ctx context.Context, j *job.Job, status int) job.Verdict

// ChosenSchema are the arguments of what is done with a gateway that was chosen.
const ChosenSchema = `	// Whether its host, port and transport are written into the Request-URI as
	// well, which otherwise stays as it is.
	rewrite_host?: bool
	// The variable that gets the attributes of the gateway; those of the row by which lcr chose it,
	// if it has some.
	into?: #VarName
`

// Dispatch is the action dispatch.
var Dispatch = schema.Kind{
	Name: "dispatch",
	Doc: "Chooses a gateway of a set that can be used: `relay` and `forward` send the " +
		"request there, and the Request-URI stays, unless told otherwise. When there is none the " +
		"arm runs; without it the request is answered 503. `forward` remembers nothing: by the " +
		"algorithm `hash` alone a CANCEL, an ACK and what is sent again go where the INVITE went.",
	Schema: `{
	// The set, or several: one is chosen from the first that has one.
	set!: #GatewaysName | [#GatewaysName, ...#GatewaysName]
	// What has the same gateway of a set with the algorithm hash: {call_id} unless set.
	key?: #Text
` + ChosenSchema + `	// The sub-route taken when no gateway can be used; 503 unless set.
	on_none?: #Name
}`,
	Where:  schema.InRequest | schema.InFailure,
	Ending: schema.Arm,
	Arms:   []string{"on_none"},
}

// Next is the action next_destination.
var Next = schema.Kind{
	Name: "next_destination",
	Doc: "Chooses another gateway in a failure route, of what `dispatch` or `lcr` chose from: one " +
		"that this request was not sent to. When there is none the arm runs; without it the best " +
		"reply goes upstream.",
	Schema: `{
` + ChosenSchema + `	// The sub-route taken when no other gateway can be used.
	on_none?: #Name
}`,
	Where:  schema.InFailure,
	Ending: schema.Arm,
	Arms:   []string{"on_none"},
}

type step struct {
	registry *Registry
	sets     *Sets
	rewrite  bool
	into     *vars.Var // nil: nowhere
	unfit    func()
	onNone   Arm
}

func (e *Env) step() step {
	s := step{
		registry: e.Registry, sets: e.Sets, rewrite: e.Args.Get("rewrite_host").B, unfit: e.Unfit,
		onNone: e.Arm("on_none"),
	}
	if into := e.Variables(e.Args.Get("into")); len(into) > 0 {
		s.into = into[0]
	}
	return s
}

type dispatch struct {
	step
	plan uint32
	key  func(b []byte, j *job.Job) []byte // nil: the Call-ID
}

// NewDispatch makes a step of Dispatch.
func NewDispatch(e *Env) job.Step {
	var sets []*Set
	e.Args.Get("set").Each(func(v *schema.Value) {
		if set := e.Sets.Get(v.S); set != nil {
			sets = append(sets, set)
		}
	})
	s := &dispatch{step: e.step(), key: e.Text("key")}
	if e.Sets != nil {
		s.plan = e.Sets.plan(sets)
	}
	return s
}

func (s *dispatch) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	j.Ways, j.Choice = nil, job.Choice{Plan: s.plan, Seed: seed(s.key, j)}
	return s.choose(ctx, j)
}

// seed is that of the key of a request; nil: its Call-ID.
func seed(key func(b []byte, j *job.Job) []byte, j *job.Job) uint32 {
	if key == nil {
		return Seed(j.Msg.CallID())
	}
	var buf [256]byte
	return Seed(key(buf[:0], j))
}

type next struct{ step }

// NewNext makes a step of Next.
func NewNext(e *Env) job.Step { return &next{e.step()} }

func (s *next) Run(ctx context.Context, j *job.Job) (job.Verdict, error) { return s.choose(ctx, j) }

// Find finds the ways of a request at a time, which may be none.
type Find func(j *job.Job, now time.Time, random func() uint64) *job.Ways

type byWays struct {
	step
	find Find
	key  func(b []byte, j *job.Job) []byte
}

// NewByWays makes a step that chooses a gateway by the first of the ways of a request that has one.
// Its arguments are those of Dispatch but for the set.
func NewByWays(e *Env, find Find) job.Step { return &byWays{e.step(), find, e.Text("key")} }

func (s *byWays) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	j.Choice = job.Choice{Seed: seed(s.key, j)}
	j.Ways = s.find(j, s.registry.now(j), s.registry.cfg.Random)
	return s.choose(ctx, j)
}

// now is the time of a run.
func (r *Registry) now(j *job.Job) time.Time {
	if j.Now.IsZero() {
		return r.cfg.Clock()
	}
	return j.Now
}

// choose has the request go to a gateway.
func (s *step) choose(ctx context.Context, j *job.Job) (job.Verdict, error) {
	q := requestOf(j)
	q.Now = s.registry.now(j)
	g, way := s.pick(j, &q)
	if g == nil {
		return s.onNone(ctx, j, 503), nil
	}
	j.Own = job.Target{Q: 1000, NextHop: g.URI, Local: true, Gateway: g.id}
	attributes := g.Attributes
	if way != nil {
		if err := edit.SetNumber(j.Msg, j.Ways.User, way.Strip, way.Add); err != nil {
			return job.Next, err
		}
		if len(way.Attributes) > 0 {
			attributes = way.Attributes
		}
	}
	var err error
	if s.rewrite {
		err = g.rewrite(j)
	}
	if s.into != nil && err == nil {
		var fits bool
		if fits, err = s.into.Set(j, attributes); !fits && len(attributes) > 0 && s.unfit != nil {
			s.unfit()
		}
	}
	return job.Next, err
}

// pick picks a gateway of the plan of a request, or by the first of its ways from the one on that
// it is at.
func (s *step) pick(j *job.Job, q *Request) (*Gateway, *job.Way) {
	c := &j.Choice
	if j.Ways == nil {
		return s.registry.Choose(s.sets, c.Plan, c, q), nil
	}
	for ; int(c.Plan) < len(j.Ways.List); c.Plan, c.Tried = c.Plan+1, 0 {
		way := &j.Ways.List[c.Plan]
		if g := s.registry.Choose(s.sets, way.Plan, c, q); g != nil {
			return g, way
		}
	}
	return nil, nil
}

func requestOf(j *job.Job) Request {
	dialog := j.Msg.ToTag() != nil
	return Request{Call: j.Msg.Method() == sip.INVITE && !dialog, Dialog: dialog}
}

// Parameters that lead elsewhere.
var transportParam, maddrParam = []byte("transport"), []byte("maddr")

var errRewrite = errors.New("the Request-URI has no host to rewrite")

// rewrite has the Request-URI name the gateway.
func (g *Gateway) rewrite(j *job.Job) error {
	u, err := sip.ParseURI(j.Msg.RURI())
	if err != nil || u.Scheme != sip.SIP && u.Scheme != sip.SIPS {
		return errRewrite
	}
	u.Host, u.Port = g.uri.Host, g.uri.Port
	var params []byte
	for p := range bytes.SplitSeq(u.Params, []byte(";")) {
		name, _, _ := bytes.Cut(p, []byte("="))
		if len(p) > 0 && !bytes.EqualFold(name, transportParam) && !bytes.EqualFold(name, maddrParam) {
			params = append(append(params, ';'), p...)
		}
	}
	if t, ok := g.uri.Param("transport"); ok {
		params = append(append(params, ";transport="...), t...)
	}
	u.Params = params
	var buf [256]byte
	j.Msg.SetRURI(u.AppendTo(buf[:0]))
	return nil
}

// Of is the matcher for what came from a gateway.
var Of = schema.Field{
	Name:  "gateway",
	Where: schema.InRequest | schema.InBranch | schema.InFailure | schema.InReply,
	Doc: "Whether the message came from an address of a gateway of a set, or of one of several, " +
		"whatever its port and state.",
	Schema: `#GatewaysName | [#GatewaysName, ...#GatewaysName]`,
}

// CompileOf makes the condition of a checked value.
func CompileOf(v *schema.Value, sets *Sets) func(*job.Job) bool {
	var list []*Gateway
	v.Each(func(v *schema.Value) {
		if set := sets.Get(v.S); set != nil {
			list = append(list, set.gateways...)
		}
	})
	return func(j *job.Job) bool {
		from := j.Flow.Remote.Addr().Unmap()
		for _, g := range list {
			if g.has(from) {
				return true
			}
		}
		return false
	}
}
