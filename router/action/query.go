package action

import (
	"context"
	"net/netip"
	"time"

	"sipedge/router/data"
	"sipedge/router/job"
	"sipedge/router/proxy"
	"sipedge/router/vars"
	"sipedge/schema"
)

var queryKind = Kind{
	Kind: schema.Kind{
		Name: "query",
		Doc: "Looks a key up in a table and puts its value into a variable. When there is none the " +
			"arm runs; without it the request is answered 404.",
		Schema: `{
	// The table.
	table!: #TableName
	// The key; of prefixes the number, of networks the address.
	key!: #Text
	// The variable that gets the value; unset when the value is none of its type.
	into?: #VarName
	// The sub-route taken when there is no such key.
	on_none?: #Name
}`,
		Where:  schema.InRequest | schema.InFailure,
		Ending: schema.Arm,
		Arms:   []string{"on_none"},
	},
	New: build(func(d *decoder) job.Step {
		s := &query{proxy: d.Proxy, table: d.table("table"), onNone: d.arm("on_none")}
		s.table.Sought(false)
		s.key, _ = d.text(d.args.Get("key"))
		if into := d.variables(d.args.Get("into")); len(into) > 0 {
			s.into, s.unfit = into[0], d.Unfit
		}
		return s
	}),
}

type query struct {
	proxy  *proxy.Proxy
	table  *data.Table
	key    text
	into   *vars.Var // nil: nowhere
	unfit  func()
	onNone arm
}

func (s *query) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	b := scratches.Get().(*scratch)
	found, err := s.look(s.key.build(b, j), j)
	scratches.Put(b)
	if !found {
		return s.onNone.take(ctx, j, s.proxy, 404), nil
	}
	return job.Next, err
}

func (s *query) look(key []byte, j *job.Job) (found bool, err error) {
	if s.into == nil {
		return s.table.In(key, j.Now), nil
	}
	b := scratches.Get().(*scratch)
	if b.b, found = s.table.Lookup(b.b[:0], key, j.Now); found {
		var fits bool
		fits, err = s.into.Set(j, b.b)
		if !fits && err == nil && len(b.b) > 0 && s.unfit != nil {
			s.unfit()
		}
	}
	scratches.Put(b)
	return found, err
}

var putKind = Kind{
	Kind: schema.Kind{
		Name: "put",
		Doc: "Puts a key with a value into a cache, or renews it. It stays for its time; of more " +
			"keys than the cache holds the oldest goes.",
		Schema: `{
	// The cache.
	table!: #CacheName
	// The key.
	key!: #Text
	// Its value, 1 unless set; at most 1024 bytes.
	value?: #Text
	// How long it stays; as the cache says unless set.
	ttl?: #Duration
}`,
		Where: schema.Anywhere &^ schema.InBranch,
	},
	New: build(func(d *decoder) job.Step {
		s := &put{ttl: d.args.Get("ttl").Duration(), value: text{lit: []byte("1")}}
		if t := d.table("table"); t != nil {
			s.cache = t.Cache()
		}
		s.key, _ = d.text(d.args.Get("key"))
		if v := d.args.Get("value"); v.Kind == schema.String {
			s.value, _ = d.text(v)
		}
		return s
	}),
}

type put struct {
	cache      *data.Cache
	key, value text
	ttl        time.Duration // 0: the cache's
}

func (s *put) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	key, value := scratches.Get().(*scratch), scratches.Get().(*scratch)
	err := s.cache.Put(s.key.build(key, j), s.value.build(value, j), s.ttl, j.Now)
	scratches.Put(key)
	scratches.Put(value)
	return job.Next, err
}

var banKind = Kind{
	Kind: schema.Kind{
		Name: "ban",
		Doc: "Puts the source address, or another key, into a cache, for a matcher such as " +
			"source: {in: banned} to find.",
		Schema: `{
	// The cache.
	table!: #CacheName
	// The key; the source address unless set.
	key?: #Text
	// How long the ban lasts; as the cache says unless set.
	ttl?: #Duration
}`,
		Where: schema.InRequest | schema.InFailure,
	},
	New: build(func(d *decoder) job.Step {
		s := &ban{ttl: d.args.Get("ttl").Duration()}
		if t := d.table("table"); t != nil {
			s.cache = t.Cache()
		}
		s.key, s.given = d.text(d.args.Get("key"))
		return s
	}),
}

type ban struct {
	cache *data.Cache
	key   text
	given bool
	ttl   time.Duration // 0: the cache's
}

var one = []byte("1")

func (s *ban) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	b := scratches.Get().(*scratch)
	key := source(b, j)
	if s.given {
		key = s.key.build(b, j)
	}
	err := s.cache.Put(key, one, s.ttl, j.Now)
	scratches.Put(b)
	return job.Next, err
}

// source is the address a message came from, as a key.
func source(b *scratch, j *job.Job) []byte {
	b.b = j.Flow.Remote.Addr().Unmap().AppendTo(b.b[:0])
	return b.b
}

// table is the one that an argument names.
func (d *decoder) table(key string) *data.Table {
	v := d.args.Get(key)
	t := d.Tables.Get(v.S)
	if t == nil {
		d.errorf(v, schema.UnknownTable, "there is no table %q", v.S)
	}
	return t
}

// networks are addresses that an argument lists, or a table of them.
type networks struct {
	table *data.Table
	nets  []netip.Prefix
}

func (d *decoder) networks(key string) (n networks) {
	v := d.args.Get(key)
	if v.Kind == schema.Map {
		inner := decoder{Env: d.Env, args: v}
		n.table = inner.table("in")
		n.table.Sought(true)
		d.diags = append(d.diags, inner.diags...)
		return n
	}
	v.Each(func(v *schema.Value) {
		p, err := schema.ParseNetwork(v.S)
		if err != nil {
			d.errorf(v, schema.BadNetwork, "%q is not an IP address or network", v.S)
		}
		n.nets = append(n.nets, p)
	})
	return n
}

func (n *networks) have(j *job.Job) bool {
	a := j.Flow.Remote.Addr().Unmap()
	for _, p := range n.nets {
		if p.Contains(a) {
			return true
		}
	}
	return n.table != nil && n.table.InAddr(a, j.Now)
}
