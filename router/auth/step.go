package auth

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"sipedge/backends"
	"sipedge/router/data"
	"sipedge/router/job"
	"sipedge/router/vars"
	"sipedge/schema"
	"sipedge/sip"
)

// Step is what the steps of this package are made of.
type Step struct {
	Env   *Env
	Proxy Proxy
	Args  *schema.Value                     // passed the Schema
	Rate  func(s string) (data.Rate, error) // reads a #Rate
	Keeps func(snapshot func() (restore func()))
	// Text is a template of the arguments, appended to b for j; nil: there is none.
	Text func(key string) Text
	// Variables finds those that an argument names.
	Variables func(v *schema.Value) []*vars.Var
	Unfit     func() // counts a value that was none for its variable; nil: nobody does
	// Arm is a failure arm of the arguments, or what is done without, given false.
	Arm func(key string) (arm Arm, given bool)
}

// Arm is taken instead of the rest of a run; off its end the request is answered status.
type Arm func(ctx context.Context, j *job.Job, status int) job.Verdict

// Proxy is what steps need of the proxy core.
type Proxy interface {
	Reply(j *job.Job, status int, reason string, extra []byte, stateful bool) job.Verdict
	RetryAfter() []byte // the header line that goes with a 503
}

// Authenticate is an action.
var Authenticate = schema.Kind{
	Name: "authenticate", Schema: Schema,
	Doc: "Lets requests of users through who prove to know their password, RFC 3261 §22. Who " +
		"sends no credentials, or what was too long ago, is challenged; so is, unless there is " +
		"an arm, who sends wrong ones. Who says he is another than he has proved to be gets 403. " +
		"An ACK and a CANCEL, which can't be challenged, pass, and auth is unset.",
	Where: schema.InRequest, Ending: schema.Arm, Arms: []string{"on_fail", "on_error"}, Asks: true,
}

// NewAuthenticate makes its step.
func NewAuthenticate(s *Step) (job.Step, schema.Diagnostics) {
	check, diags := Compile(s.Args, s.Env, s.Rate)
	check.Password = s.Text("password")
	if s.Keeps != nil {
		s.Keeps(check.Tries.Snapshot)
	}
	realm := s.Args.Get("realm")
	if text := realm.S; text != "" && !Usable([]byte(text)) {
		diags = append(diags, realm.Problem(schema.BadValue, "a realm has no quotes and backslashes"))
	}
	if v := s.Args.Get("password"); v.S != "" && !strings.ContainsRune(v.S, '{') {
		d := v.Problem(schema.PlainPassword, "the password of everybody can be read in the policy")
		d.Severity, d.Hint = schema.Warning, "${file:…} keeps it apart"
		diags = append(diags, d)
	}
	any := s.Args.Get("identity")
	a := &authenticate{
		check: check, proxy: s.Proxy, host: s.Env.Host, anybody: any.Kind == schema.Bool && !any.B,
		realm: s.Text("realm"), domain: s.Text("domain"), user: s.Text("require_user"),
	}
	a.loads.unfit = s.Unfit
	diags = append(diags, a.others(s)...)
	for i := range s.Args.Get("load").Keys {
		a.loads.into = append(a.loads.into, s.Variables(&s.Args.Get("load").Keys[i].Value)...)
	}
	if arm, given := s.Arm("on_fail"); given {
		a.onFail = arm
	}
	if arm, given := s.Arm("on_error"); given {
		a.onError = arm
	}
	return a, diags
}

type authenticate struct {
	check               *Check
	proxy               Proxy
	host                string // the realm of who names none
	realm, domain, user Text
	anybody             bool                // whoever he is
	identities          backends.Identities // more of what users may be called; nil: nothing
	loads               loads
	onFail, onError     Arm
}

// scratch is memory for a realm, a domain, and what else is written.
type scratch struct{ realm, domain, out []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Waits implements job.Waiter.
func (s *authenticate) Waits() bool {
	_, inline := s.check.Users.(*Inline)
	return !inline && s.check.Password == nil || s.check.Later
}

// Run implements job.Step.
func (s *authenticate) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	if m := j.Msg.Method(); m == sip.ACK || m == sip.CANCEL {
		return job.Next, nil
	}
	b := scratches.Get().(*scratch)
	defer scratches.Put(b)
	if s.realm == nil {
		b.realm = AppendRealm(b.realm[:0], j.Msg, s.host)
	} else if b.realm = s.realm(b.realm[:0], j); !Usable(b.realm) {
		return job.Next, fmt.Errorf("%q can't be a realm", b.realm)
	}
	b.domain = b.domain[:0]
	if s.domain != nil {
		b.domain = s.domain(b.domain, j)
		sip.AppendLower(b.domain[:0], b.domain)
	}
	result, user, err := s.check.Verify(ctx, j, b.realm, b.domain)
	if result == Accepted {
		if result, err = s.owns(ctx, j, b); result == Accepted {
			return job.Next, s.loads.set(j, user)
		}
		j.Auth = nil
	}
	return s.end(ctx, j, result, err, b), nil
}

// end does what follows of a result.
func (s *authenticate) end(
	ctx context.Context, j *job.Job, result Result, err error, b *scratch,
) job.Verdict {
	switch result {
	case Waiting:
		return job.Wait
	case Failed:
		j.LastError, j.Err = 503, err
		if s.onError != nil {
			return s.onError(ctx, j, 503)
		}
		return s.proxy.Reply(j, 503, "", s.proxy.RetryAfter(), false)
	case Exceeded, Impostor:
		return s.fail(ctx, j)
	case Refused:
		if s.onFail != nil {
			return s.fail(ctx, j)
		}
	}
	var status int
	b.out, status = s.check.AppendChallenges(b.out[:0], b.realm, result == Stale, j.Now)
	return s.proxy.Reply(j, status, "", b.out, false)
}

// fail takes the arm, or answers 403.
func (s *authenticate) fail(ctx context.Context, j *job.Job) job.Verdict {
	if s.onFail != nil {
		return s.onFail(ctx, j, 403)
	}
	return s.proxy.Reply(j, 403, "", nil, false)
}

// ConsumeCredentials is an action.
var ConsumeCredentials = schema.Kind{
	Name: "consume_credentials",
	Doc: "Removes the credentials that authenticate took, so that nobody downstream sees " +
		"them. Those for other realms stay. Without authenticate it does nothing.",
	Schema: `{}`,
	Where:  schema.InRequest | schema.InFailure | schema.InBranch,
}

// act is a step that does one thing and can't fail.
type act func(*job.Job)

// Run implements job.Step.
func (f act) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	f(j)
	return job.Next, nil
}

// NewConsume makes its step.
func NewConsume(*Step) (job.Step, schema.Diagnostics) { return act(Consume), nil }

// AssertIdentity is an action.
var AssertIdentity = schema.Kind{
	Name: "assert_identity",
	Doc: "Says in P-Asserted-Identity who authenticated, RFC 3325: what the sender wrote there " +
		"goes in any case. With `peer: untrusted`, in a branch route to who is not of the trust " +
		"domain, it takes the header field away, unless the caller's Privacy says none.",
	Schema: `{
	// The URI; sip:user@realm of who authenticated unless set.
	uri?: #Text
	// Whom the request goes to, trusted unless set.
	peer?: "trusted" | "untrusted"
}`,
	Where: schema.InRequest | schema.InFailure | schema.InBranch,
}

// NewAssert makes its step.
func NewAssert(s *Step) (job.Step, schema.Diagnostics) {
	if s.Args.Get("peer").S == "untrusted" {
		return act(func(j *job.Job) { Conceal(j.Msg) }), nil
	}
	uri, arg := s.Text("uri"), s.Args.Get("uri")
	if uri == nil {
		uri = AppendURI
	} else if _, err := sip.ParseURI([]byte(arg.S)); err != nil && !strings.Contains(arg.S, "{") {
		return nil, schema.Diagnostics{arg.Problem(schema.BadURI, "%q is not a URI", arg.S)}
	}
	return act(func(j *job.Job) {
		b := scratches.Get().(*scratch)
		b.out = uri(b.out[:0], j)
		Assert(j.Msg, b.out)
		scratches.Put(b)
	}), nil
}
