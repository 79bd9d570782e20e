package router

import (
	"cmp"
	"strconv"

	"sipedge/backends"
	"sipedge/router/natping"
	"sipedge/schema"
	"sipedge/sip"
)

// ping compiles whom to ping.
func (c *compiler) ping() {
	src := c.doc.Ping
	if src == nil {
		return
	}
	wrong := func(text schema.Text, code schema.Code, message string) {
		c.diags = append(c.diags, schema.Diagnostic{
			Pos: text.Pos, End: text.Pos.Col + len(text.S), Code: code, Message: message,
		})
	}
	from := cmp.Or(src.From.S, "sip:"+string(sip.AppendHost(nil, []byte(c.policy.own.Name))))
	if _, err := sip.ParseURI([]byte(from)); err != nil {
		wrong(src.From, schema.BadURI, strconv.Quote(src.From.S)+" is not a URI")
	}
	find := c.locations()
	if find == nil {
		if !c.scans(src.Location.S) {
			wrong(src.Location, schema.WrongBackend, notInMemory)
		}
		return
	}
	store, ok := find(src.Location.S).(natping.Store)
	if !ok || !c.scans(src.Location.S) {
		wrong(src.Location, schema.WrongBackend, notInMemory)
		return
	}
	settings := c.policy.settings
	c.policy.ping = &natping.Settings{
		Store: store, Interval: src.Interval, CRLF: src.CRLF, All: src.All, Lost: src.Lost,
		From: from, Self: settings.Self, Guard: settings.Guard,
	}
}

const notInMemory = "only a location store with its bindings in memory can be pinged"

// scans reports whether a backend is a Scanner, as far as its settings tell: in a test it may be
// another than in the server.
func (c *compiler) scans(name string) bool {
	for i := range c.doc.Backends {
		if b := &c.doc.Backends[i]; b.Name == name {
			d, ok := b.Maker.(backends.Driver)
			return !ok || d.Scans != nil && d.Scans(b.Settings)
		}
	}
	return true
}

// ping has bindings pinged as s says, or nobody.
func (r *Router) ping(s *natping.Settings) {
	if !r.cfg.Ping {
		return
	}
	r.pings.Swap(s)
}

// wake has Advance called, which is to ask somebody.
func (r *Router) wake() {
	if r.cfg.Ping && r.cfg.Wake != nil {
		r.cfg.Wake(r.cfg.Clock())
	}
}
