package backends

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"sipedge/schema"
)

// Services are the backends of a policy, opened.
type Services struct {
	open []service // in the order they were opened
}

type service struct {
	name, driver string
	backend      Backend
	settings     *schema.Value
	revealed     *schema.Value // settings with their secrets
	folder       string        // of the policy
	uses         []string      // backends it asked for
}

// Host is where services are opened.
type Host struct {
	State string // folder that outlives the process; empty: there is none
	Log   *slog.Logger
	// Before are the services of the policy before: what is declared alike, and what it uses, goes
	// on as it is. A location store can't be declared otherwise. nil: there are none.
	Before *Services
	// Reveal replaces references to secrets in a setting; nil: there are none to replace.
	Reveal func(text string) (string, error)
	Look   bool // no file is made that is not there
	// Alone: only what the process itself keeps is opened, as tests of a policy need it. For what
	// is not, an empty Stub stands.
	Alone bool
	// Stubs gives what stands for a backend when Alone, and what drivers keep in the process
	// (inside) too; nil, or what it returns: nothing else does.
	Stubs func(name string, inside bool) Backend
}

// OpenServices opens backends of a policy, each behind those it names. With errors none is open.
func OpenServices(list []schema.Backend, h Host) (*Services, schema.Diagnostics) {
	o := opening{host: h, list: list, begun: map[string]bool{}, s: new(Services)}
	for i := range list {
		o.open(&list[i])
	}
	if o.diags.HasErrors() {
		_ = o.s.Without(h.Before).Close() // nothing was asked yet
		return nil, o.diags
	}
	return o.s, o.diags
}

type opening struct {
	host  Host
	list  []schema.Backend
	begun map[string]bool
	s     *Services
	diags schema.Diagnostics
}

func (o *opening) open(b *schema.Backend) {
	d, ok := b.Maker.(Driver)
	if !ok || o.begun[b.Name] {
		return
	}
	o.begun[b.Name] = true
	if stub := o.stub(b.Name, &d); stub != nil {
		if s, ok := stub.(*Stub); ok {
			s.within = LimitsOf(b.Settings).Timeout
		}
		o.s.open = append(o.s.open, service{name: b.Name, driver: b.Driver, backend: stub,
			settings: b.Settings})
		return
	}
	settings, diags := o.revealed(b.Settings)
	if diags != nil {
		o.diags = append(o.diags, diags...)
		return
	}
	one := service{name: b.Name, driver: b.Driver, settings: b.Settings, revealed: settings,
		folder: filepath.Dir(b.Pos.File)}
	if old := o.host.Before.find(b.Name); old != nil {
		_, keeps := old.backend.(Locations)
		switch {
		case o.goesOn(old, &one):
			one.backend, one.uses = old.backend, old.uses
			o.s.open = append(o.s.open, one)
			return
		case keeps:
			o.diags = append(o.diags, b.Settings.Problem(schema.BadValue,
				"the location store %q can't change while the server runs, nor what it is kept in, "+
					"since it would lose bindings: restart it", b.Name))
			return
		}
	}
	told := false // what is wrong with it, where another backend is declared
	backend, diags := d.Open(&Opening{
		Name: b.Name, Settings: settings, Folder: one.folder, State: o.host.State,
		Log: o.host.Log, Alone: o.host.Alone, Look: o.host.Look,
		Other: func(name string) Backend {
			one.uses = append(one.uses, name)
			other := o.other(name)
			told = told || other == nil && o.begun[name] && o.diags.HasErrors()
			return other
		},
	})
	if told && diags.HasErrors() {
		return
	}
	if o.diags = append(o.diags, diags...); !diags.HasErrors() {
		one.backend = backend
		o.s.open = append(o.s.open, one)
	}
}

// goesOn reports whether a service is as it was before, and what it uses is.
func (o *opening) goesOn(old, now *service) bool {
	return old.driver == now.driver && old.folder == now.folder && old.revealed != nil &&
		schema.SameValue(old.revealed, now.revealed) &&
		!slices.ContainsFunc(old.uses, func(name string) bool {
			return o.other(name) != o.host.Before.Get(name)
		})
}

// revealed is settings with what references in them stand for.
func (o *opening) revealed(v *schema.Value) (*schema.Value, schema.Diagnostics) {
	if o.host.Reveal == nil {
		return v, nil
	}
	out, diags := *v, schema.Diagnostics(nil)
	switch v.Kind {
	case schema.String:
		s, err := o.host.Reveal(v.S)
		if err != nil {
			return nil, schema.Diagnostics{v.Problem(schema.BadValue, "%v", err)}
		}
		out.S = s
	case schema.Map:
		out.Keys = slices.Clone(v.Keys)
		for i := range out.Keys {
			value, found := o.revealed(&v.Keys[i].Value)
			if diags = append(diags, found...); value != nil {
				out.Keys[i].Value = *value
			}
		}
	}
	return &out, diags
}

// stub is what stands for a backend; nil: it is opened.
func (o *opening) stub(name string, d *Driver) Backend {
	if !o.host.Alone {
		return nil
	}
	if o.host.Stubs != nil {
		b := o.host.Stubs(name, d.Inside)
		if stub, ok := b.(*Stub); ok && d.Relays {
			return &StubMedia{Fails: stub.Fails}
		}
		if b != nil {
			return b
		}
	}
	if d.Relays {
		return new(StubMedia)
	}
	if d.Inside {
		return nil
	}
	return &Stub{Blind: !d.reads()}
}

// other is Opening.Other: what a backend names is opened first. Of a circle the last finds nothing.
func (o *opening) other(name string) Backend {
	for i := range o.list {
		if o.list[i].Name == name {
			o.open(&o.list[i])
		}
	}
	return o.s.Get(name)
}

// Get returns a backend; nil: there is none of the name.
func (s *Services) Get(name string) Backend {
	if one := s.find(name); one != nil {
		return one.backend
	}
	return nil
}

// Uses are the names of the backends that one asks for what it answers.
func (s *Services) Uses(name string) []string {
	if one := s.find(name); one != nil {
		return one.uses
	}
	return nil
}

func (s *Services) find(name string) *service {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.open, func(one service) bool { return one.name == name })
	if i < 0 {
		return nil
	}
	return &s.open[i]
}

// Locations returns a backend that keeps bindings; nil: it is none.
func (s *Services) Locations(name string) Locations {
	l, _ := s.Get(name).(Locations)
	return l
}

// Database returns a backend that is a database; nil: it is none.
func (s *Services) Database(name string) DB {
	db, _ := s.Get(name).(DB)
	return db
}

// Declared finds who may have users among backends that are not opened; nil: it has none.
func Declared(list []schema.Backend) func(name string, columns ...string) Subscribers {
	return func(name string, columns ...string) Subscribers {
		for _, b := range list {
			if d, ok := b.Maker.(Driver); b.Name == name && (!ok || d.reads()) {
				return new(Stub).subscribers(columns)
			}
		}
		return nil
	}
}

// Subscribers returns a backend that has users, of whom these columns are asked for besides;
// nil: it is none.
func (s *Services) Subscribers(name string, columns ...string) Subscribers {
	one := s.find(name)
	if one == nil {
		return nil
	}
	switch b := one.backend.(type) {
	case *Stub:
		if b.Can()&CanSelect != 0 {
			return b.subscribers(columns)
		}
	case Subscribers:
		return b
	case DB:
		if b.Can()&CanSelect != 0 {
			return SubscribersOf(b, one.settings.Get("subscriber"), columns...)
		}
	}
	return nil
}

// Each calls f with every backend, in the order they were opened.
func (s *Services) Each(f func(name string, b Backend)) {
	for _, one := range s.open {
		f(one.name, one.backend)
	}
}

// Driver is that of a backend; empty: there is none of the name.
func (s *Services) Driver(name string) string {
	if one := s.find(name); one != nil {
		return one.driver
	}
	return ""
}

// Without are the services that are not among others, which may be nil.
func (s *Services) Without(others *Services) *Services {
	rest := new(Services)
	for _, one := range s.open {
		if old := others.find(one.name); old == nil || old.backend != one.backend {
			rest.open = append(rest.open, one)
		}
	}
	return rest
}

// Load has every store read what it has from before, in the order of the policy.
func (s *Services) Load(ctx context.Context, now time.Time) error {
	for _, one := range s.open {
		if l, ok := one.backend.(Loader); ok {
			if err := l.Load(ctx, now); err != nil {
				return fmt.Errorf("backend %s: %w", one.name, err)
			}
		}
	}
	return nil
}

// Loaded reports whether every store has what it had before.
func (s *Services) Loaded() bool {
	return !slices.ContainsFunc(s.open, func(one service) bool {
		l, ok := one.backend.(Loader)
		return ok && !l.Loaded()
	})
}

// Close closes all, the last opened first.
func (s *Services) Close() error {
	var all error
	for _, one := range slices.Backward(s.open) {
		if err := one.backend.Close(); err != nil {
			all = errors.Join(all, fmt.Errorf("backend %s: %w", one.name, err))
		}
	}
	s.open = nil
	return all
}
