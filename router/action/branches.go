package action

import (
	"context"
	"errors"

	"sipedge/router/job"
	"sipedge/schema"
)

var errBranches = errors.New("more branches than limits.branches allows")

// qOf reads a q-value in thousandths; absent is 1.
func qOf(v *schema.Value) int {
	if v.Kind == schema.Int {
		return int(v.N) * 1000
	}
	if v.Kind != schema.String {
		return 1000
	}
	q, unit := 0, 1000
	for _, c := range []byte(v.S) {
		if c == '.' {
			continue
		}
		q += int(c-'0') * unit
		unit /= 10
	}
	return q
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
	q?: 0 | 1 | =~"^(0(\\.[0-9]{1,3})?|1(\\.0{1,3})?)$" @says("a q-value","like \"0.7\"")
	// The next hop, a sip URI; else a Route or the branch's URI leads.
	to?: #Text
}`,
		Where: schema.InRequest | schema.InFailure,
	},
	Examples: `
- append_branch: {uri: "sip:alice@192.0.2.7", q: "0.5"}
- append_branch: {uri: "sip:alice@192.0.2.8", q: "0.9"}
- redirect: {}
-- in --
INVITE sip:alice@example.net
-- out --
SIP/2.0 302 Moved Temporarily
Contact: <sip:alice@192.0.2.8>;q=0.9
Contact: <sip:alice@192.0.2.7>;q=0.5
`,
	New: build(func(d *decoder) job.Step {
		s := &appendBranch{q: qOf(d.args.Get("q")), limit: d.Branches}
		s.uri, s.own = d.uri(d.args.Get("uri"))
		s.to, _ = d.hop(d.args.Get("to"))
		return s
	}),
}

type appendBranch struct {
	uri, to text
	own     bool // uri is given
	q       int
	limit   int // members of the target set
}

func (s *appendBranch) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	if len(j.Targets)+2 > s.limit {
		return job.Next, errBranches
	}
	t := job.Target{Q: s.q, NextHop: s.to.expand(j)}
	if !s.to.literal() && !isHop(t.NextHop) {
		return job.Next, errHop
	}
	t.Local = s.to.literal() && t.NextHop != nil
	if !s.own {
		t.URI = j.Bytes(j.Msg.RURI())
	} else {
		t.URI = s.uri.expand(j)
		if !s.uri.literal() && !isRequestURI(t.URI) {
			return job.Next, errURI
		}
		t.Local = t.Local || t.NextHop == nil && s.uri.literal()
	}
	j.Targets = append(j.Targets, t)
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
	Examples: `
- append_branch: {uri: "sip:alice@192.0.2.7", q: "0.5"}
- serialize_branches: {}
- relay: {to: "sip:192.0.2.9"}
-- in --
INVITE sip:alice@example.net
-- out --
SIP/2.0 100 Trying

INVITE sip:alice@example.net SIP/2.0
`,
	New: build(func(*decoder) job.Step { return serializeBranches{} }),
}

type serializeBranches struct{}

func (serializeBranches) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	j.Groups = true
	return job.Next, nil
}
