package policytest

import (
	"slices"
	"strings"
	"time"

	"sipedge/router/scene"
	"sipedge/schema"
	"sipedge/sip/transport"
)

// Case is one test.
type Case struct {
	Name     string
	Pos      schema.Pos
	Message  scene.Message
	Origin   scene.Origin
	Branches []scene.Branch
	Run      Run // instead of a request
	Flow     string
	After    time.Duration // the start
	Time     time.Time     // zero: whenever

	value  *schema.Value // as written
	expect *schema.Value
	source *schema.Value // where to tell what is wrong with the origin
	tables *schema.Value

	outside *scene.Outside // nil: that of the file
}

// peer is whose certificate was verified; nil: nobody's.
func peer(v *schema.Value) *transport.Peer {
	if v.Kind == schema.None {
		return nil
	}
	p := &transport.Peer{
		Subject: v.Get("subject").S, Issuer: v.Get("issuer").S, Serial: v.Get("serial").S,
		Fingerprint: v.Get("fingerprint").S,
	}
	v.Get("san").Each(func(v *schema.Value) { p.SAN = append(p.SAN, v.S) })
	v.Get("domain").Each(func(v *schema.Value) { p.Domains = append(p.Domains, v.S) })
	return p
}

// Run is what the router does by itself; the zero Run is nothing.
type Run struct {
	Startup bool
	Timer   string        // a timer route
	For     time.Duration // since the start; 0: until it has run once
}

func (f *File) lowerCase(v, common *schema.Value) (Case, schema.Diagnostics) {
	var diags schema.Diagnostics
	g := v.Get("given")
	given := merged(common, g)
	c := Case{
		Name: v.Get("name").S, Pos: v.Get("name").Pos, Flow: v.Get("flow").S,
		Message: scene.Message{
			Method: given.Get("method").S, URI: given.Get("uri").S,
			From: given.Get("from").S, To: given.Get("to").S,
			Fields: fields(given.Get("headers")), Body: given.Get("body").S,
			Text: given.Get("message").S,
		},
		Origin: scene.Origin{
			Source: given.Get("source").S, Listener: given.Get("listener").S,
			Peer: peer(given.Get("peer")),
		},
		After: given.Get("after").Duration(),
		value: v, expect: v.Get("expect"), source: given.Get("source"), tables: v.Get("tables"),
	}
	if c.source.Kind == schema.None {
		c.source = name(v)
	}
	diags = append(diags, f.checkTables(c.tables)...)
	if v.Has("users") || v.Has("bindings") || v.Has("backends") ||
		v.Has("gateways") || v.Has("enum") || v.Has("slow") {
		c.outside = &scene.Outside{Hosts: f.outside.Hosts}
		diags = append(diags, f.stubs(c.outside, v)...)
	}
	if auth := given.Get("auth"); auth.Kind != schema.None {
		diags = append(diags, f.lowerAuth(&c.Message.Login, auth, v.Get("users"))...)
	}
	if raw := given.Get("raw"); raw.Kind == schema.String {
		c.Message.Raw = []byte(scene.Lines(raw.S))
		if !strings.Contains(raw.S, "\n\n") && !strings.Contains(raw.S, "\r\n\r\n") {
			c.Message.Raw = append(c.Message.Raw, "\r\n"...)
		}
	}
	if t := given.Get("time"); t.Kind == schema.String {
		var err error
		if c.Time, err = time.Parse(time.RFC3339, t.S); err != nil {
			diags = append(diags, t.Problem(schema.BadTest, "%q is not a time", t.S))
		}
	}
	switch flow := v.Get("flow"); {
	case v.Has("run"):
		diags = append(diags, f.lowerRun(&c, v)...)
	case c.Flow == "":
		diags = append(diags, exclusive(g, given)...)
		if _, err := c.Origin.Flow(scene.Listeners(f.doc)); err != nil {
			diags = append(diags, c.source.Problem(schema.BadTest, "%v", err))
		}
	case g.Kind != schema.None || v.Has("branches"):
		diags = append(diags, flow.Problem(schema.BadTest,
			"a flow is the whole conversation: no given or branches beside it"))
	default:
		diags = append(diags, flowExpects(c.expect)...)
	}
	for i := range v.Get("branches").Items {
		c.Branches = append(c.Branches, branch(&v.Get("branches").Items[i]))
	}
	return c, append(diags, f.checkExpect(c.expect)...)
}

// flowExpects tells what of a flow cannot be expected.
func flowExpects(want *schema.Value) (diags schema.Diagnostics) {
	for i := range want.Keys {
		switch k := &want.Keys[i]; k.Name {
		case "path", "vars", "log", "error":
		default:
			diags = append(diags, k.Problem(schema.BadTest,
				"a flow says itself what its agents receive; %q is about a request given", k.Name))
		}
	}
	return diags
}

// lowerRun reads what runs instead of a request, and tells what cannot stand
// beside it.
func (f *File) lowerRun(c *Case, v *schema.Value) (diags schema.Diagnostics) {
	run := v.Get("run")
	if run.Kind == schema.String {
		c.Run.Startup = true
		if len(f.doc.Routes.Startup) == 0 {
			diags = append(diags, run.Problem(schema.UnknownRoute, "the policy has no startup route"))
		}
	} else if t, known := f.timer(run.Get("timer").S); known {
		c.Run = Run{Timer: t.Name, For: t.Every}
		if run.Has("for") {
			c.Run.For = run.Get("for").Duration()
		}
	} else {
		var names []string
		for i := range f.doc.Routes.Timer {
			names = append(names, f.doc.Routes.Timer[i].Name)
		}
		timer := run.Get("timer")
		diags = append(diags, timer.Problem(schema.UnknownRoute,
			"the policy has no timer route %q%s", timer.S, schema.Meant(timer.S, names)))
	}
	beside := func(k *schema.Key) {
		diags = append(diags, k.Problem(schema.BadTest,
			"%q is about a request, and this runs without one", k.Name))
	}
	given := v.Get("given")
	for i := range given.Keys {
		if k := &given.Keys[i]; k.Name != "time" {
			beside(k)
		}
	}
	for i := range v.Keys {
		if k := &v.Keys[i]; k.Name == "flow" {
			beside(k)
		}
	}
	for i := range c.expect.Keys {
		if k := &c.expect.Keys[i]; k.Name == "reply" {
			beside(k)
		}
	}
	return diags
}

// timer finds a timer route of the policy.
func (f *File) timer(name string) (schema.Timer, bool) {
	for _, t := range f.doc.Routes.Timer {
		if t.Name == name {
			return t, true
		}
	}
	return schema.Timer{}, false
}

func name(v *schema.Value) *schema.Value { return v.Get("name") }

// exclusive tells what cannot stand beside a message given whole.
func exclusive(own, given *schema.Value) (diags schema.Diagnostics) {
	for _, whole := range []string{"raw", "message"} {
		if given.Get(whole).Kind == schema.None {
			continue
		}
		for i := range own.Keys {
			k := &own.Keys[i]
			switch k.Name {
			case "source", "listener", "peer", "after", "time", whole:
			default:
				diags = append(diags, k.Problem(schema.BadTest, "%q is given whole by %q", k.Name, whole))
			}
		}
		break
	}
	return diags
}

// merged is a request given as own, what it leaves out as common has it. Who
// gives a message whole takes of common only where it comes from and when.
func merged(common, own *schema.Value) *schema.Value {
	whole := own.Has("raw") || own.Has("message")
	all := schema.Value{Kind: schema.Map, Pos: own.Pos, Keys: slices.Clone(own.Keys)}
	for _, k := range common.Keys {
		outside := slices.Contains([]string{"source", "listener", "peer", "after", "time"}, k.Name)
		if !own.Has(k.Name) && (outside || !whole) {
			all.Keys = append(all.Keys, k)
		}
	}
	return &all
}

// fields reads the header fields of a checked map.
func fields(v *schema.Value) (list []scene.Field) {
	for i := range v.Keys {
		k := &v.Keys[i]
		if k.Kind == schema.Bool {
			list = append(list, scene.Field{Name: k.Name, Absent: true})
		}
		k.Each(func(v *schema.Value) {
			if v.Kind == schema.String {
				list = append(list, scene.Field{Name: k.Name, Value: v.S})
			}
		})
	}
	return list
}

// branch reads a checked #Branch.
func branch(v *schema.Value) scene.Branch {
	b := scene.Branch{To: v.Get("to").S, Delay: v.Get("silent").Duration()}
	v.Get("reply").Each(func(v *schema.Value) {
		r := scene.Reply{Code: int(v.N)}
		if v.Kind == schema.Map {
			r = scene.Reply{
				Code: int(v.Get("code").N), Reason: v.Get("reason").S,
				Fields: fields(v.Get("headers")), After: v.Get("after").Duration(),
			}
		}
		b.Replies = append(b.Replies, r)
	})
	if silent := v.Get("silent"); b.Replies == nil && !(silent.Kind == schema.Bool && silent.B) {
		b.Replies = []scene.Reply{{Code: 200}}
	}
	return b
}
