package action

import (
	"context"

	"sipedge/router/data"
	"sipedge/router/job"
	"sipedge/schema"
)

// Defaults of rate_limit.
const (
	limitKeys = 100_000
	limitIPv6 = 64
)

var rateLimitKind = Kind{
	Kind: schema.Kind{
		Name: "rate_limit",
		Doc: "Lets requests of a key through at a rate, exactly: a bucket of tokens for each key " +
			"fills evenly, and each request takes one. When there is none the arm runs; without " +
			"it the request is dropped. A new policy begins with full buckets.",
		Schema: `{
	// What is counted: any text, like "{source.ip}" or "{from.user}@{from.host}".
	key!: #Text
	// Requests in a time.
	rate!: #Rate
	// How many may come at once; those of the rate unless set.
	burst?: int & >=1 & <=1000000
	// Sources that are not counted: addresses, networks or a table.
	allow?: #Networks
	// A key that is an IPv6 address counts as its network of so many bits, 64.
	ipv6_prefix?: int & >=1 & <=128
	// Keys at most, 100000; the one not asked for longest goes.
	max?: int & >=1 & <=10000000
	// The sub-route taken beyond the rate.
	on_exceed?: #Name
}`,
		Where:  schema.InRequest,
		Ending: schema.Arm,
		Arms:   []string{"on_exceed"},
	},
	New: build(func(d *decoder) job.Step {
		s := &rateLimit{onExceed: d.arm("on_exceed"), allow: d.networks("allow")}
		s.key, _ = d.text(d.args.Get("key"))
		rate, err := data.ParseRate(d.args.Get("rate").S)
		if err != nil {
			d.errorf(d.args.Get("rate"), schema.OutOfRange, "%v", err)
			return s
		}
		s.limiter = data.NewLimiter(rate, d.int("burst", rate.Count), d.int("max", limitKeys),
			d.int("ipv6_prefix", limitIPv6))
		if d.Keeps != nil {
			d.Keeps(s.limiter.Snapshot)
		}
		return s
	}),
}

func (d *decoder) int(key string, def int) int {
	if v := d.args.Get(key); v.Kind == schema.Int {
		return int(v.N)
	}
	return def
}

type rateLimit struct {
	limiter  *data.Limiter
	key      text
	allow    networks
	onExceed arm
}

func (s *rateLimit) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	if s.allow.have(j) {
		return job.Next, nil
	}
	b := scratches.Get().(*scratch)
	ok := s.limiter.Take(s.key.build(b, j), j.Now)
	scratches.Put(b)
	if ok {
		return job.Next, nil
	}
	return s.onExceed.take(ctx, j, nil, silence), nil
}
