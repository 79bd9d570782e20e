package redirection

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"sipedge/router/data"
	"sipedge/router/job"
	"sipedge/router/table"
	"sipedge/schema"
	"sipedge/sip"
)

// Env is what the step is made of.
type Env struct {
	Proxy  Proxy
	Tables *data.Tables
	Args   *schema.Value // passed the Schema
	// Arm is a failure arm of the arguments, or what is done without.
	Arm func(key string) (arm Arm, given bool)
}

// Arm is taken instead of the rest of a run.
type Arm func(ctx context.Context, j *job.Job, status int) job.Verdict

// Proxy is what the step needs of the proxy core.
type Proxy interface {
	// Redirected calls follow with each 3xx that the request was answered, and notes which are.
	Redirected(j *job.Job, follow func(m *sip.Message) (followed bool))
	// Tried reports whether the request was sent to a URI, or is to be by next_branches.
	Tried(j *job.Job, u *sip.URI) bool
	// Recursed is how many branches of the transaction follow redirections.
	Recursed(j *job.Job) int
	// Room is how many branches there may be more.
	Room(j *job.Job) int
}

// Kind is the action recurse.
var Kind = schema.Kind{
	Name: "recurse",
	Doc: "Makes the Contacts of the 3xx responses to the request (300, 301 and 302) the target set, " +
		"in order of q: the most preferred the Request-URI, the others branches. `relay` sends to all " +
		"of them, after `serialize_branches` to the most preferred first. No URI is tried twice. When " +
		"there is none left the arm runs; without it the best reply goes upstream. Whoever redirects " +
		"wrote them: they lead no request to a gateway, nor to another place that is guarded unless " +
		"`allow_targets` has it, and strangers' requests not at all unless `accept` names hosts.",
	Schema: `{
	// Which Contacts are followed: all unless set. Hosts count as named by myself: true, by exact
	// texts, by a suffix that begins with a dot and by a table of kind set or map. What a maddr leads
	// elsewhere is followed where that is accepted, too.
	accept?: #URI | [#URI, ...#URI]
	// Which of them are not.
	deny?: #URI | [#URI, ...#URI]
	// How many at once, 4 unless set.
	max?: int & >=1 & <=64
	// How many for one request, whoever redirects how often; 12 unless set.
	total?: int & >=1 & <=64
	// The sub-route taken when no Contact is left.
	on_none?: #Name
}`,
	Where:  schema.InFailure,
	Ending: schema.Arm,
	Arms:   []string{"on_none"},
}

const (
	defaultMax   = 4
	defaultTotal = 12
)

type step struct {
	proxy        Proxy
	accept, deny *table.Table // nil: all; none
	max, total   int
	onNone       Arm
}

// New makes a step of Kind.
func New(e *Env) (job.Step, schema.Diagnostics) {
	s := &step{proxy: e.Proxy, max: defaultMax, total: defaultTotal}
	if v := e.Args.Get("max"); v.Kind == schema.Int {
		s.max = int(v.N)
	}
	if v := e.Args.Get("total"); v.Kind == schema.Int {
		s.total = int(v.N)
	}
	var diags, wrong schema.Diagnostics
	s.accept, diags = e.uris("accept")
	s.deny, wrong = e.uris("deny")
	s.onNone, _ = e.Arm("on_none")
	return s, append(diags, wrong...)
}

// uris makes a table of an argument, a rule for each of its alternatives, of what the Request-URI
// is; nil: it is absent.
func (e *Env) uris(key string) (*table.Table, schema.Diagnostics) {
	var rules []schema.Rule
	e.Args.Get(key).Each(func(v *schema.Value) {
		rules = append(rules, schema.Rule{Match: &schema.Value{
			Kind: schema.Map, Pos: v.Pos, Keys: []schema.Key{{Name: "uri", Pos: v.Pos, Value: *v}},
		}})
	})
	if rules == nil {
		return nil, nil
	}
	return table.Compile(rules, schema.InFailure, table.Env{Tables: e.Tables})
}

// Run implements job.Step.
func (s *step) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	own := j.Bytes(j.Msg.RURI())
	var set []job.Target
	s.proxy.Redirected(j, func(m *sip.Message) bool {
		for t, u := range targets(j, m, isSIPS(own)) {
			if !s.proxy.Tried(j, u) && !job.Holds(set, &t, own) && s.may(j, u) {
				set = append(set, t)
			}
		}
		return false
	})
	slices.SortStableFunc(set, func(a, b job.Target) int { return b.Q - a.Q })
	n := max(min(len(set), s.max, s.total-s.proxy.Recursed(j), s.proxy.Room(j)), 0)
	s.proxy.Redirected(j, func(m *sip.Message) (followed bool) {
		for t, u := range targets(j, m, isSIPS(own)) {
			followed = followed || s.proxy.Tried(j, u) || job.Holds(set[:n], &t, own)
		}
		return followed
	})
	if n == 0 {
		j.Msg.SetRURI(own)
		return s.onNone(ctx, j, 480), nil
	}
	j.Own = set[0]
	j.Msg.SetRURI(j.Own.URI)
	j.Targets = append(j.Targets[:0], set[1:n]...)
	return job.Next, nil
}

// targets are where the Contacts of a response lead that requests of ours can go to.
func targets(j *job.Job, m *sip.Message, sips bool) iter.Seq2[job.Target, *sip.URI] {
	return func(yield func(job.Target, *sip.URI) bool) {
		for e, ok := m.FirstElement(sip.Contact); ok; e, ok = m.NextElement(e) {
			if t, u, ok := target(j, e.Value, sips); ok && !yield(t, &u) {
				return
			}
		}
	}
}

// target is where a Contact leads; ok false: nowhere that a request of ours can go. The request of
// a sips URI goes to no other, RFC 3261 §26.2.2.
func target(j *job.Job, contact []byte, sips bool) (t job.Target, u sip.URI, ok bool) {
	a, err := sip.ParseNameAddr(contact)
	if err != nil || a.Star {
		return t, u, false
	}
	u, err = sip.ParseURI(a.URI)
	_, method := u.Param("method")
	if err != nil || method || u.Scheme != sip.SIPS && (sips || u.Scheme != sip.SIP) {
		return t, u, false
	}
	u.Headers = nil // RFC 3261 §19.1.1: they stand in no Request-URI
	q, ok := a.Q()
	if _, given := a.Param("q"); !given {
		q, ok = 1000, true
	}
	var buf [256]byte
	t = job.Target{URI: j.Bytes(u.AppendTo(buf[:0])), Q: q, Said: true, Recursed: true}
	return t, u, ok
}

// may reports whether the policy lets a URI be followed: as it stands, and where a maddr leads it
// instead, RFC 3263 §4. It leaves the Request-URI another.
func (s *step) may(j *job.Job, u *sip.URI) bool {
	if maddr, ok := u.Param("maddr"); ok && len(maddr) > 0 {
		led := *u
		led.Host = bytes.Trim(maddr, "[]")
		return s.allows(j, u) && s.allows(j, &led)
	}
	return s.allows(j, u)
}

func (s *step) allows(j *job.Job, u *sip.URI) bool {
	var buf [256]byte
	j.Msg.SetRURI(u.AppendTo(buf[:0]))
	return (s.accept == nil || s.accept.Match(j, 0) >= 0) && (s.deny == nil || s.deny.Match(j, 0) < 0)
}

func isSIPS(uri []byte) bool {
	u, err := sip.ParseURI(uri)
	return err == nil && u.Scheme == sip.SIPS
}

// Restricts reports whether checked arguments let redirections lead only to hosts that the policy
// names. lists reports whether a table has just the texts that are written into it.
func Restricts(args *schema.Value, lists func(table string) bool) bool {
	return every(args.Get("accept"), func(v *schema.Value) bool {
		return v.Get("myself").B || namesHosts(v.Get("host"), lists)
	})
}

// namesHosts reports whether a #Str holds for hosts only that nobody else can have.
func namesHosts(v *schema.Value, lists func(table string) bool) bool {
	return every(v, func(v *schema.Value) bool {
		in := v.Get("in")
		return v.Kind == schema.String || v.Get("exact").Kind != schema.None ||
			in.Kind == schema.String && lists(in.S) || every(v.Get("suffix"), isDomain)
	})
}

func isDomain(suffix *schema.Value) bool { return len(suffix.S) > 1 && suffix.S[0] == '.' }

// every reports whether v is there and all of it is so.
func every(v *schema.Value, is func(*schema.Value) bool) bool {
	all, some := true, false
	v.Each(func(v *schema.Value) { all, some = all && is(v), true })
	return all && some
}
