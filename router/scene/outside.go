package scene

import (
	"context"
	"fmt"
	"time"

	"sipedge/backends"
	"sipedge/router/registrar"
)

// Outside is what a router finds around it.
type Outside struct {
	Hosts   Hosts
	Numbers Numbers
	// Stubs is that of backends.Host.
	Stubs func(name string, inside bool) backends.Backend
	// Bound are bindings that every location store has from before.
	Bound []Bound
	// Down are gateways that can't be used.
	Down []Down
}

// Down is a gateway that can't be used, or with an empty URI all of a set.
type Down struct{ Set, URI string }

// Bound is a binding that no time ends.
type Bound struct {
	AOR, Contact string // user@host or a URI; a URI
	Received     string // URI it came from; "": the Contact leads there
	Q            int    // 0–1000
}

// bind gives the location stores what they have from before, and notes what changes then.
func (w *World) bind(services *backends.Services, bound []Bound) (err error) {
	services.Each(func(name string, b backends.Backend) {
		store, ok := b.(backends.Locations)
		if _, stub := b.(backends.Unanswering); !ok || stub {
			return
		}
		for i := range bound {
			b := &bound[i]
			aor, ok := registrar.AppendAOR(nil, store.Traits().Names, []byte(b.AOR))
			if !ok {
				err = fmt.Errorf("%q is no address of record", b.AOR)
				return
			}
			if err = store.Update(context.Background(), aor, w.from, adding{b, w.from}); err != nil {
				return
			}
		}
		store.Watch(func(backends.Event) { w.changed = true })
	})
	return err
}

// adding adds a binding.
type adding struct {
	*Bound
	now time.Time
}

// Apply is backends.Change's.
func (a adding) Apply(s *backends.Set) (changed bool) {
	s.Add(&backends.Binding{
		Contact: []byte(a.Contact), Received: []byte(a.Received), Q: a.Q,
		CallID: []byte("bound"), CSeq: 1, Modified: a.now, Expires: a.now.Add(century),
	})
	return true
}
