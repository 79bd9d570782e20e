package graph

import (
	"net/netip"
	"slices"

	"sipedge/router/check/formula"
	"sipedge/router/check/pattern"
	"sipedge/schema"
)

// Fault is why a request is not sent on after all, and the status that its failure has.
type Fault struct {
	When   *formula.Node
	Status int64
	Always bool // also where the policy says where to
}

// admits is what relay sends on at all: the rest it answers itself.
func admits() *formula.Node {
	hops := formula.Leaf(&formula.Atom{
		Slot: formula.Slot{Kind: formula.MaxForwards}, Nums: []formula.Bounds{{}},
	})
	return formula.OneOf(
		named(formula.Method, "ACK", "CANCEL"), named(formula.Scheme, ""), hops,
		present("Proxy-Require"),
	).Not()
}

// faults are what keeps requests from where the policy or their Request-URI leads.
func faults(doc *schema.Document) (list []Fault) {
	var transports []string
	var inet, inet6 bool
	for _, l := range doc.Listen {
		transports = append(transports, l.Transport)
		addr, _ := netip.ParseAddrPort(l.Addr)
		inet, inet6 = inet || addr.Addr().Is4(), inet6 || addr.Addr().Is6()
	}
	if !slices.Contains(transports, "tls") {
		list = append(list, Fault{named(formula.Scheme, "sips"), 500, true})
	}
	host := func(p *pattern.Pattern) *formula.Node {
		return formula.Leaf(&formula.Atom{Slot: formula.Slot{Kind: formula.Host}, Text: p})
	}
	guarded := formula.OneOf()
	for _, begin := range []string{"127.", "169.254.", "::1", "fe80:"} {
		guarded.Kids = append(guarded.Kids, host(pattern.Begins(begin)))
	}
	slot := formula.Slot{Kind: formula.Param, Name: "transport"}
	unreachable := formula.OneOf(formula.All(
		formula.Leaf(&formula.Atom{Slot: slot, Presence: true}),
		formula.Leaf(&formula.Atom{Slot: slot, Text: pattern.Exact(transports...)}).Not(),
	))
	if !inet6 {
		unreachable.Kids = append(unreachable.Kids, host(pattern.Contains(":")))
	}
	if !inet {
		unreachable.Kids = append(unreachable.Kids, host(pattern.Numeric()))
	}
	stranger := formula.All(
		named(formula.Routed, formula.Taken...).Not(), present("Route"))
	return append(list, []Fault{
		{named(formula.Scheme, "tel"), 416, false}, {stranger, 403, false},
		{guarded, 403, false}, {unreachable, 500, false},
	}...)
}

func named(kind formula.Kind, names ...string) *formula.Node {
	return formula.Leaf(&formula.Atom{Slot: formula.Slot{Kind: kind}, Names: names})
}

func present(header string) *formula.Node {
	slot, _ := formula.HeaderSlot(header)
	return formula.Leaf(&formula.Atom{Slot: slot, Presence: true})
}
