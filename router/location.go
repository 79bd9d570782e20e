package router

import (
	"slices"
	"strings"
	"sync"
	"time"

	"sipedge/backends"
	"sipedge/router/gateway"
	"sipedge/router/job"
	"sipedge/router/nat"
	"sipedge/router/registrar"
	"sipedge/router/table"
	"sipedge/schema"
)

// Fields are the matchers: those of the table, and those that stand above it.
func Fields() []schema.Field {
	list := append(table.Fields(), registrar.Registered, nat.Match, gateway.Of)
	slices.SortFunc(list, func(a, b schema.Field) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// locations is action.Env's: it notes which stores the policy uses.
func (c *compiler) locations() func(name string) backends.Locations {
	if c.env.Locations == nil {
		return nil
	}
	return func(name string) backends.Locations {
		l := c.env.Locations(name)
		if l != nil && !slices.Contains(c.policy.stores, l) {
			c.policy.stores = append(c.policy.stores, l)
		}
		return l
	}
}

// media is action.Env's.
func (c *compiler) media(name string) (m backends.Media, ok bool) {
	if c.env.Media == nil {
		return nil, c.env.Proxy == nil && backends.DeclaredMedia(c.doc.Backends, name)
	}
	m = c.env.Media(name)
	return m, m != nil
}

// asks are the matchers of a route that ask a service, or somebody above the table.
func (c *compiler) asks(r *route) map[string]table.Ask {
	return map[string]table.Ask{
		gateway.Of.Name: func(v *schema.Value) (func(*job.Job) bool, schema.Diagnostics) {
			return gateway.CompileOf(v, c.policy.gateways), nil
		},
		registrar.Registered.Name: func(v *schema.Value) (func(*job.Job) bool, schema.Diagnostics) {
			holds, waits, diags := registrar.CompileRegistered(v, r.where, c.locations())
			r.matchWaits = r.matchWaits || waits
			return holds, diags
		},
		nat.Match.Name: func(v *schema.Value) (func(*job.Job) bool, schema.Diagnostics) {
			tests, want := nat.Read(c.doc.NATTests), v.B
			return func(j *job.Job) bool { return tests.Hold(j) == want }, nil
		},
	}
}

// stores are the location stores of all policies so far.
type stores struct {
	mu   sync.Mutex
	list []backends.Locations
	next time.Time // when Advance said that one has to do something; zero: never
}

// watch has the router woken when a store has something that ends.
func (r *Router) watch(list []backends.Locations) {
	s := &r.stores
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range list {
		if slices.Contains(s.list, l) {
			continue
		}
		s.list = append(s.list, l)
		r.flows.Watch(l)
		l.Watch(func(e backends.Event) {
			switch e.Kind {
			case backends.Inserted, backends.Updated:
				r.ends(e.Binding.Expires)
			default:
				r.pings.Forget(e.Binding.ID)
			}
		})
	}
}

// listens reports whether a binding came by a listener of the policy that runs.
func (r *Router) listens(listener []byte) bool {
	p := r.policy.Load()
	return p != nil && registrar.Listens(p.settings.Self, listener)
}

// Forget has nothing to do with a store any more, which no policy that runs uses.
func (r *Router) Forget(l backends.Locations) {
	s := &r.stores
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(slices.Clone(s.list), func(o backends.Locations) bool { return o == l })
}

// ends notes that a binding ends.
func (r *Router) ends(at time.Time) {
	s := &r.stores
	at = at.Truncate(time.Second).Add(time.Second) // a store looks every second at most
	s.mu.Lock()
	first := s.next.IsZero() || at.Before(s.next)
	if first {
		s.next = at
	}
	s.mu.Unlock()
	if first && r.cfg.Wake != nil {
		r.cfg.Wake(at)
	}
}

// expire has the stores forget what expired, and returns when the next binding ends.
func (r *Router) expire(now time.Time) time.Time {
	s := &r.stores
	s.mu.Lock()
	next := s.next
	if next.IsZero() || next.After(now) {
		s.mu.Unlock()
		return next
	}
	s.next = time.Time{}
	list := s.list
	s.mu.Unlock()
	next = time.Time{}
	for _, l := range list {
		next = sooner(next, l.Advance(now))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = sooner(s.next, next)
	return s.next
}
