package action

import (
	"context"
	"fmt"

	"sipedge/router/auth"
	"sipedge/router/data"
	"sipedge/router/job"
	"sipedge/router/proxy"
	"sipedge/schema"
	"sipedge/sip"
)

var authenticateKind = Kind{
	Kind: schema.Kind{
		Name: "authenticate", Schema: auth.Schema,
		Doc: "Lets requests of users through who prove to know their password, RFC 3261 §22. Who " +
			"sends no credentials, or what was too long ago, is challenged; so is, unless there is " +
			"an arm, who sends wrong ones. Who says he is another than he has proved to be gets 403. " +
			"An ACK and a CANCEL, which can't be challenged, pass, and auth is unset.",
		Where: schema.InRequest, Ending: schema.Arm, Arms: []string{"on_fail", "on_error"},
		Asks: true,
	},
	New: build(func(d *decoder) job.Step {
		s := &authenticate{proxy: d.Proxy, onFail: d.arm("on_fail"), onError: d.arm("on_error")}
		rate := data.Rate{Count: 10, Period: 60e9}
		if v := d.args.Get("tries"); v.Kind == schema.String {
			var err error
			if rate, err = parseRate(v.S); err != nil {
				d.errorf(v, schema.OutOfRange, "%v", err)
				return s
			}
		}
		check, diags := auth.Compile(d.args, d.Auth, rate)
		s.check, s.host, d.diags = check, d.Auth.Host, append(d.diags, diags...)
		if d.Keeps != nil {
			d.Keeps(check.Tries.Snapshot)
		}
		v := d.args.Get("realm")
		if s.realm, s.named = d.text(v); s.named && s.realm.literal() && !auth.Usable(s.realm.lit) {
			d.errorf(v, schema.BadValue, "a realm has no quotes and backslashes")
		}
		s.domain, _ = d.text(d.args.Get("domain"))
		s.user, s.asked = d.text(d.args.Get("require_user"))
		v = d.args.Get("identity")
		s.anybody = v.Kind == schema.Bool && !v.B
		return s
	}),
}

type authenticate struct {
	proxy                 *proxy.Proxy
	check                 *auth.Check
	host                  string
	realm, domain, user   text
	named, asked, anybody bool // realm is given, user is, no user is asked for
	onFail, onError       arm
}

func (s *authenticate) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	if m := j.Msg.Method(); m == sip.ACK || m == sip.CANCEL {
		return job.Next, nil
	}
	r, d := scratches.Get().(*scratch), scratches.Get().(*scratch)
	defer scratches.Put(r)
	defer scratches.Put(d)
	realm := s.realm.build(r, j)
	if !s.named {
		r.b = auth.AppendRealm(r.b[:0], j.Msg, s.host)
		realm = r.b
	} else if !auth.Usable(realm) {
		return job.Next, fmt.Errorf("%q can't be a realm", realm)
	}
	result, err := s.check.Verify(ctx, j, realm, s.domain.build(d, j))
	return s.end(ctx, j, result, err, realm, d), nil
}

// end does what follows of a result.
func (s *authenticate) end(
	ctx context.Context, j *job.Job, result auth.Result, err error, realm []byte, b *scratch,
) job.Verdict {
	status := 403
	switch result {
	case auth.Accepted:
		if s.owns(j, b) {
			return job.Next
		}
		j.Auth = nil
	case auth.Waiting:
		return job.Wait
	case auth.Failed:
		j.LastError, j.Err = 503, err
		if s.onError.route == nil {
			return s.proxy.Unavailable(j)
		}
		return s.onError.take(ctx, j, s.proxy, 503)
	case auth.Exceeded:
	default:
		status = 0
	}
	if s.onFail.route != nil && result != auth.Absent && result != auth.Stale {
		return s.onFail.take(ctx, j, s.proxy, 403)
	}
	b.b = b.b[:0]
	if status == 0 {
		b.b, status = s.check.AppendChallenges(b.b, realm, result == auth.Stale, j.Now)
	}
	return s.proxy.Reply(j, status, "", b.b, false)
}

func (s *authenticate) owns(j *job.Job, b *scratch) bool {
	switch {
	case s.anybody:
		return true
	case s.asked:
		return s.check.Guard.Is(j, s.user.build(b, j))
	}
	return s.check.Guard.Owns(j)
}

var consumeCredentialsKind = Kind{
	Kind: schema.Kind{
		Name: "consume_credentials",
		Doc: "Removes the credentials that authenticate took, so that nobody downstream sees " +
			"them. Those for other realms stay. Without authenticate it does nothing.",
		Schema: `{}`,
		Where:  schema.InRequest | schema.InFailure | schema.InBranch,
	},
	New: build(func(*decoder) job.Step { return act(auth.Consume) }),
}

// act is a step that does one thing and can't fail.
type act func(*job.Job)

func (f act) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	f(j)
	return job.Next, nil
}

var assertIdentityKind = Kind{
	Kind: schema.Kind{
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
	},
	New: build(func(d *decoder) job.Step {
		if d.args.Get("peer").S == "untrusted" {
			return act(func(j *job.Job) { auth.Conceal(j.Msg) })
		}
		uri, given := d.uri(d.args.Get("uri"))
		return act(func(j *job.Job) {
			b := scratches.Get().(*scratch)
			if given {
				auth.Assert(j.Msg, appendLine(nil, uri.build(b, j)))
			} else {
				auth.Assert(j.Msg, auth.AppendURI(b.b[:0], j))
			}
			scratches.Put(b)
		})
	}),
}
