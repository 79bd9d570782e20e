package router

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"sipedge/backends"
	"sipedge/policies"
	"sipedge/router/action"
	"sipedge/router/auth"
	"sipedge/router/data"
	"sipedge/router/enum"
	"sipedge/router/gateway"
	"sipedge/router/job"
	"sipedge/router/natping"
	"sipedge/router/proxy"
	"sipedge/router/table"
	"sipedge/router/uac"
	"sipedge/router/vars"
	"sipedge/router/vars/pseudovar"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// Vocabulary is what a policy may use: the actions and matchers of this program. Of backends it
// knows nothing.
var Vocabulary = sync.OnceValue(func() *schema.Vocabulary { return VocabularyWith(nil) })

// VocabularyWith is Vocabulary with the backends of these drivers.
func VocabularyWith(drivers []backends.Driver) *schema.Vocabulary {
	v := &schema.Vocabulary{Fields: Fields(), Policies: policies.Files, Foreign: pseudovar.Find}
	for _, k := range action.Kinds() {
		v.Actions = append(v.Actions, k.Kind)
	}
	for _, d := range drivers {
		v.Backends = append(v.Backends,
			schema.Driver{Name: d.Name, Doc: d.Doc, Schema: d.Schema, Tag: d.Tag, Maker: d})
	}
	return v
}

// kinds is the actions by name.
var kinds = sync.OnceValue(func() map[string]*action.Kind {
	m := make(map[string]*action.Kind)
	for _, k := range action.Kinds() {
		m[k.Name] = &k
	}
	return m
})

// Policy is a compiled document. It is immutable: a reload makes another.
type Policy struct {
	request  *route
	error    *route // nil: none
	startup  *route // nil: none
	timers   []timer
	own      *uac.Settings
	all      []*route // every route, in the author's order
	settings *proxy.Settings
	backlog  uint8 // percent of the receive queue above which new dialogs are refused
	tables   *data.Tables
	keeps    []func() (restore func()) // snapshots of what steps keep
	stores   []backends.Locations      // that it uses
	gateways *gateway.Sets
	ping     *natping.Settings // nil: nobody is pinged, or the policy is only validated
	endAll   bool              // bindings end with every connection

	destinations []action.Destination
}

// Destinations are the places, other than ourselves, that the policy names for requests to go
// to. Don't change what it returns.
func (p *Policy) Destinations() []action.Destination { return p.destinations }

// Snapshot returns a function that puts back what the policy keeps from one request
// to the next – its caches and buckets – as it is now.
func (p *Policy) Snapshot() (restore func()) {
	var all []func()
	for _, t := range p.tables.List() {
		if c := t.Cache(); c != nil {
			all = append(all, c.Snapshot())
		}
	}
	for _, snapshot := range p.keeps {
		all = append(all, snapshot())
	}
	return func() {
		for _, restore := range all {
			restore()
		}
	}
}

// Env is what a policy is compiled against.
type Env struct {
	Proxy     *proxy.Proxy         // nil: the policy is only validated
	Agent     *uac.Agent           // sends what the policy asks for; nil as Proxy
	Listeners []transport.Listener // as bound, a place each; nil: as the document has them
	Log       *slog.Logger         // of the action log
	Unfit     func()               // counts values that were none for their variable; nil: nobody
	Tables    *data.Tables         // of the policy before, whose caches go on; nil: none
	// Locations is that of action.Env.
	Locations func(name string) backends.Locations
	Guard     *auth.Guard       // of who authenticates; nil as Proxy
	Gateways  *gateway.Registry // nil as Proxy
	// Databases finds a database by name; nil: nothing is read from one.
	Databases func(name string) backends.DB
	// Media finds a backend that relays media by name; nil: the policy is only looked at.
	Media   func(name string) backends.Media
	Numbers enum.Finder // of telephone numbers; nil as Proxy
	// Subscribers finds a backend that has some; nil, or what it returns: there is none. A policy
	// that is only looked at is taken by its word, as far as drivers know better.
	Subscribers func(name string, columns ...string) backends.Subscribers
}

// Compile makes a policy of a document. It is nil when the diagnostics have errors.
//
//  1. A route for every list of rules, empty: routes may name each other.
//  2. Where each sub-route runs: wherever it is called from.
//  3. Every route gets its table and steps.
//  4. Which routes may wait: those with a step that may, or that call one that may.
func Compile(doc *schema.Document, env Env) (*Policy, schema.Diagnostics) {
	c := &compiler{
		doc: doc, env: env, vars: vars.NewScope(doc.Vars), routes: map[key]*route{},
	}
	c.self()
	c.diags = append(c.diags, overlaps(doc)...)
	tables, diags := data.Load(doc.Tables, env.Tables, env.Databases)
	if c.diags = append(c.diags, diags...); tables == nil {
		return nil, c.diags
	}
	c.policy.tables = tables
	for _, name := range doc.DomainsIn {
		c.policy.settings.Self.Serve(tables.Get(name.S).Serves)
	}
	if c.env.Gateways == nil {
		c.env.Gateways = gateway.New(gateway.Config{})
	}
	c.policy.gateways, diags = c.env.Gateways.Read(doc.Gateways)
	c.diags = append(c.diags, diags...)
	c.policy.settings.Guard.Known = c.policy.gateways.At
	c.policy.settings.Guard.Names = c.policy.gateways.Names()
	c.policy.keeps = append(c.policy.keeps, c.env.Gateways.Snapshot)
	users, diags := auth.ReadInline(doc.Users)
	c.diags = append(c.diags, diags...)
	c.auth = auth.Env{
		Guard: env.Guard, Host: c.policy.own.Name, Inline: users, Backend: env.Subscribers,
		Database: env.Databases,
	}
	if env.Guard == nil {
		c.auth.Backend = backends.Declared(doc.Backends)
	}
	c.allocate()
	c.place()
	for _, r := range c.policy.all {
		c.fill(r)
	}
	c.waits()
	c.ping()
	if !c.diags.HasErrors() {
		c.diags = append(c.diags, c.vars.Unused()...)
	}
	slices.SortStableFunc(c.diags, func(a, b schema.Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	if c.diags.HasErrors() {
		return nil, c.diags
	}
	return &c.policy, c.diags
}

// key names a route: sub-routes and each type of hook have their own names.
type key struct {
	of   schema.Place
	name string
}

type compiler struct {
	doc       *schema.Document
	env       Env
	vars      *vars.Scope
	listeners []transport.Listener
	routes    map[key]*route
	policy    Policy
	auth      auth.Env
	diags     schema.Diagnostics
}

func (c *compiler) allocate() {
	d := &c.doc.Routes
	c.policy.request = c.add(schema.InRequest, schema.Route{Name: "request", Rules: d.Request})
	for _, list := range []struct {
		of     schema.Place
		routes []schema.Route
	}{
		{schema.InSub, d.Sub}, {schema.InBranch, d.Branch},
		{schema.InFailure, d.Failure}, {schema.InReply, d.Reply},
	} {
		for _, r := range list.routes {
			c.add(list.of, r)
		}
	}
	if all := c.routes[key{schema.InReply, "all"}]; all != nil {
		c.policy.settings.ReplyAll = all
	}
	c.unnamed()
}

// unnamed allocates the routes no step names.
func (c *compiler) unnamed() {
	d, p := &c.doc.Routes, &c.policy
	one := func(of schema.Place, rules []schema.Rule) *route {
		if len(rules) == 0 {
			return nil
		}
		return c.add(of, schema.Route{Name: of.String(), Rules: rules})
	}
	p.error = one(schema.InError, d.Error)
	p.startup = one(schema.InStartup, d.Startup)
	if local := one(schema.InLocal, d.Local); local != nil {
		p.own.Local = local
	}
	for i := range d.Timer {
		t := &d.Timer[i]
		p.timers = append(p.timers, timer{every: t.Every, route: c.add(schema.InTimer, t.Route)})
	}
}

func (c *compiler) add(of schema.Place, src schema.Route) *route {
	r := &route{
		name: src.Name, of: of, src: src.Rules, vars: c.vars, proxy: c.env.Proxy, log: c.env.Log,
	}
	if of != schema.InSub {
		r.where = of
	}
	c.routes[key{of, src.Name}] = r
	c.policy.all = append(c.policy.all, r)
	return r
}

// place spreads the route types of callers to the sub-routes they call, until nothing changes.
func (c *compiler) place() {
	for changed := true; changed; {
		changed = false
		for _, r := range c.policy.all {
			for callee := range c.called(r) {
				if callee.where|r.where != callee.where {
					callee.where |= r.where
					changed = true
				}
			}
		}
	}
	for _, r := range c.policy.all {
		if r.where == 0 {
			r.where = schema.InRequest // never called
		}
	}
}

// called yields the sub-routes that steps of r name, to come back from or not.
func (c *compiler) called(r *route) func(yield func(*route) bool) {
	return func(yield func(*route) bool) {
		for i := range r.src {
			for s := range r.src[i].Do {
				step := &r.src[i].Do[s]
				k := kinds()[step.Kind]
				for _, arg := range slices.Concat(k.Calls, k.Arms) {
					v := &step.Args
					if arg != "" {
						v = v.Get(arg)
					}
					if sub := c.routes[key{schema.InSub, v.S}]; sub != nil && !yield(sub) {
						return
					}
				}
			}
		}
	}
}

// fill compiles the rules of a route.
func (c *compiler) fill(r *route) {
	var diags schema.Diagnostics
	r.table, diags = table.Compile(r.src, r.where, table.Env{
		Tables: c.policy.tables, Vars: c.vars, Asks: c.asks(r),
	})
	c.diags = append(c.diags, diags...)
	for _, name := range listeners(r.src) {
		if _, ok := c.listener(name); !ok {
			c.diags = append(c.diags, schema.Diagnostic{
				Pos: name.Pos, End: name.Pos.Col + len(name.S), Code: schema.UnknownListener,
				Message: fmt.Sprintf("%q is not one of our listeners", name.S),
			})
		}
	}
	env := action.Env{
		Proxy: c.env.Proxy, Agent: c.env.Agent, Own: c.policy.own,
		Log: c.env.Log, Where: r.where, Tables: c.policy.tables,
		Vars: c.vars, Unfit: c.env.Unfit, Locations: c.locations(), Auth: &c.auth,
		Databases: c.env.Databases, Media: c.media, Numbers: c.env.Numbers,
		Sets: c.policy.gateways, Gateways: c.env.Gateways,
		Keeps: func(snapshot func() (restore func())) {
			c.policy.keeps = append(c.policy.keeps, snapshot)
		},
		Route:    func(of schema.Place, name string) job.Route { return c.routes[key{of, name}] },
		Listener: c.listener,
		Leads:    c.leads,
	}
	r.rules = make([]rule, len(r.src))
	for i := range r.src {
		r.rules[i].name = r.src[i].Name
		r.rules[i].pos = fmt.Sprintf("%s:%d", r.src[i].Pos.File, r.src[i].Pos.Line)
		for s := range r.src[i].Do {
			src := &r.src[i].Do[s]
			step, diags := kinds()[src.Kind].New(&env, &src.Args)
			c.diags = append(c.diags, diags...)
			r.rules[i].steps = append(r.rules[i].steps, step)
			r.rules[i].kinds = append(r.rules[i].kinds, src.Kind)
		}
	}
}

// waits finds the routes that may wait, until nothing changes.
func (c *compiler) waits() {
	for changed := true; changed; {
		changed = false
		for _, r := range c.policy.all {
			if !r.waits && (r.asks() || slices.ContainsFunc(slices.Collect(c.called(r)),
				(*route).Waits)) {
				r.waits, changed = true, true
			}
		}
	}
	for _, r := range c.policy.all {
		r.src = nil
	}
}

// asks reports whether a matcher or a step of the route itself may wait.
func (r *route) asks() bool {
	if r.matchWaits {
		return true
	}
	for i := range r.rules {
		for _, s := range r.rules[i].steps {
			if w, ok := s.(job.Waiter); ok && w.Waits() {
				return true
			}
		}
	}
	return false
}

func (c *compiler) leads(d action.Destination) {
	u, err := sip.ParseURI(d.URI)
	if err == nil && !d.Next && c.policy.settings.Self.IsURI(&u, u.Transport()) {
		return
	}
	c.policy.destinations = append(c.policy.destinations, d)
	if err == nil && d.Next {
		c.policy.settings.Guard.Add(&u)
	}
}
