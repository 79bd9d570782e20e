package action

import (
	"context"
	"errors"

	"sipedge/router/edit"
	"sipedge/router/job"
	"sipedge/router/proxy"
	"sipedge/schema"
)

var errBranches = errors.New("more branches than limits.branches allows")

// qOf reads a q-value in thousandths; absent is 1.
func qOf(v *schema.Value) int {
	q, ok := v.Number()
	if !ok {
		return 1000
	}
	return int(q*1000 + 0.5)
}

var appendBranchKind = Kind{
	Kind: schema.Kind{
		Name: "append_branch",
		Doc: "Adds a member to the target set: another URI, or the Request-URI as it stands. " +
			"`relay` sends to all members; the Request-URI at that time is the first of them.",
		Schema: `{
	// The Request-URI of the branch; that of the request as it stands unless set.
	uri?: #Text
	// Its preference, 1 unless set.
	q?: number & >=0 & <=1 @says("a q-value","0 to 1, like 0.7")
	// The next hop, a sip URI; else a Route or the branch's URI leads.
	to?: #Text
}`,
		Where: schema.InRequest | schema.InFailure,
	},
	New: build(func(d *decoder) job.Step {
		s := &appendBranch{proxy: d.Proxy, q: qOf(d.args.Get("q"))}
		s.uri, s.own = d.uri(d.args.Get("uri"))
		var given bool
		if s.to, given = d.nextHop(d.args.Get("to")); !given {
			d.leads(d.args.Get("uri"), s.uri, false)
		}
		return s
	}),
}

type appendBranch struct {
	proxy   *proxy.Proxy
	uri, to text
	own     bool // uri is given
	q       int
}

func (s *appendBranch) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	t := job.Target{Q: s.q, NextHop: s.to.expand(j)}
	if !s.to.literal() && !edit.IsHop(t.NextHop) {
		return job.Next, errHop
	}
	t.Local = s.to.literal() && t.NextHop != nil
	if !s.own {
		t.URI = j.Bytes(j.Msg.RURI())
	} else {
		t.URI = s.uri.expand(j)
		if !s.uri.literal() && !edit.IsRequestURI(t.URI) {
			return job.Next, edit.ErrURI
		}
		t.Local = t.Local || t.NextHop == nil && s.uri.literal()
	}
	if !s.proxy.Append(j, t) {
		return job.Next, errBranches
	}
	return job.Next, nil
}

var serializeBranchesKind = Kind{
	Kind: schema.Kind{
		Name: "serialize_branches",
		Doc: "Groups the target set by q: `relay` sends to the members of the highest q alone, " +
			"`next_branches` in a failure route takes the next group.",
		Schema: `{}`,
		Where:  schema.InRequest | schema.InFailure,
	},
	New: build(func(*decoder) job.Step { return serializeBranches{} }),
}

type serializeBranches struct{}

func (serializeBranches) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	j.Groups = true
	return job.Next, nil
}

var nextBranchesKind = Kind{
	Kind: schema.Kind{
		Name: "next_branches",
		Doc: "Takes the group of the next lower q that `serialize_branches` left, for `relay` to " +
			"send, in a failure route. When there is none the arm runs; without it the best reply " +
			"goes upstream. In a request route `relay` takes the first group by itself, and this " +
			"is 480 unless `serialize_branches` ran.",
		Schema: `{
	// The sub-route taken when no group is left.
	on_none?: #Name
}`,
		Where:  schema.InRequest | schema.InFailure,
		Ending: schema.Arm,
		Arms:   []string{"on_none"},
	},
	New: build(func(d *decoder) job.Step { return &nextBranches{d.Proxy, d.arm("on_none")} }),
}

type nextBranches struct {
	proxy  *proxy.Proxy
	onNone arm
}

func (s *nextBranches) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	if s.proxy.NextBranches(j) {
		return job.Next, nil
	}
	return s.onNone.take(ctx, j, s.proxy, 480), nil
}
