package rtpengine

import (
	"cmp"
	"net/netip"
	"time"

	"sipedge/backends"
	"sipedge/schema"
)

// Driver is the driver of policies.
var Driver = backends.Driver{
	Name:   "rtpengine",
	Doc:    "Media is relayed by nodes of rtpengine, for the action rtpengine.",
	Relays: true,
	Schema: `{
	// The nodes, each by the address of its listen-ng, with the share of new calls that it gets:
	// 1 unless set.
	nodes!: [...{udp!: #Address, weight?: int & >=1 & <=1000}] @some("node")
	// How long a node may take to answer a command, 500ms unless set; it is sent again
	// meanwhile. An offer goes to another node then.
	timeout?: #Duration
	// The time between two pings of a node, 1s unless set.
	ping?: #Duration
	// How many pings in a row may stay without an answer, 1 unless set. With one more the node is
	// down until it answers one. A command without an answer has it pinged at once, and no offer
	// goes to it before it answers.
	lost?: int & >=0 & <=100
	// Of how many calls it is known which node they have, 100000 unless set; those beyond, the
	// oldest first, are looked for by their Call-ID.
	calls?: int & >=1 & <=10000000
}`,
	Open: open,
}

func open(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
	var diags schema.Diagnostics
	calls := cmp.Or(int(o.Settings.Get("calls").N), 100_000)
	e := &Engine{
		timeout: durationOr(o.Settings.Get("timeout"), 500*time.Millisecond),
		calls:   newCalls(calls), log: o.Log,
	}
	h := health{every: durationOr(o.Settings.Get("ping"), time.Second), lost: 1}
	if v := o.Settings.Get("lost"); v.Kind == schema.Int {
		h.lost = int(v.N)
	}
	o.Settings.Get("nodes").Each(func(v *schema.Value) {
		at := v.Get("udp")
		addr, err := netip.ParseAddrPort(at.S)
		switch {
		case err != nil:
			diags = append(diags, at.Problem(schema.BadValue, "%v", err))
		case e.find(addr) != nil:
			diags = append(diags, at.Problem(schema.BadValue, "%s is a node already", at.S))
		default:
			n, err := newNode(addr, cmp.Or(int(v.Get("weight").N), 1))
			if err != nil {
				diags = append(diags, at.Problem(schema.BadValue, "%v", err))
				return
			}
			e.nodes = append(e.nodes, n)
		}
	})
	if diags != nil {
		_ = e.Close()
		return nil, diags
	}
	for _, n := range e.nodes {
		e.running.Go(func() { n.read() })
		e.running.Go(func() { n.watch(h, func() { e.tell(o.Name, n) }) })
	}
	return e, nil
}

func durationOr(v *schema.Value, def time.Duration) time.Duration {
	if v.Kind == schema.None {
		return def
	}
	return v.Duration()
}
