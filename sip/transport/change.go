package transport

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
)

// A Change of the listeners of a Manager, one at a time:
//
//  1. Prepare binds those that are new; the others are not touched, and a failure changes nothing.
//  2. Whoever writes names of listeners into messages is told of Listeners.
//  3. Open: those that are new begin to read, and messages may leave by them; none leaves any more
//     by those that are removed.
//  4. Close closes the latter.
//
// Drop in place of 3 gives it up.
type Change struct {
	Added, Removed []Listener

	m       *Manager
	next    *places
	taken   []bool // places of next that a listener is wanted at
	opened  []Socket
	removed []Socket
}

// Prepare makes a Change to these listeners. One that goes on may be advertised in another way;
// what differs besides would have its address bound twice, and is an error.
func (m *Manager) Prepare(want []Listener) (*Change, error) {
	now := m.places.Load()
	c := &Change{
		m: m, taken: make([]bool, len(now.all)),
		next: &places{all: slices.Clone(now.all), bound: slices.Clone(now.bound)},
	}
	for _, l := range want {
		l.Addr = netip.AddrPortFrom(l.Addr.Addr().Unmap(), l.Addr.Port())
		if err := c.want(l); err != nil {
			return nil, errors.Join(err, c.Drop())
		}
	}
	for i := range now.all {
		if s := now.all[i].socket; s != nil && !c.taken[i] {
			c.Removed, c.removed = append(c.Removed, s.Listener()), append(c.removed, s)
			c.next.all[i].socket, c.next.bound[i] = nil, Listener{}
		}
	}
	for _, i := range c.next.order {
		c.next.list = append(c.next.list, c.next.bound[i])
	}
	return c, nil
}

// want gives a listener its place, and binds it if it is new.
func (c *Change) want(l Listener) error {
	n, i := c.next, c.place(&l)
	if i == maxPlaces {
		err := fmt.Errorf("more than %d addresses since the start", maxPlaces)
		return &ListenError{l.Transport, l.Addr, err}
	}
	if i == len(n.all) {
		n.all, n.bound = append(n.all, place{stats: new(Stats)}), append(n.bound, Listener{})
		c.taken = append(c.taken, false)
	}
	p := &n.all[i]
	if p.socket == nil {
		s, err := c.m.open(l, i, p.stats)
		if err != nil {
			return err
		}
		c.Added, c.opened = append(c.Added, s.Listener()), append(c.opened, s)
		p.socket, n.bound[i] = s, s.Listener()
	} else {
		p.asked.Advertised, n.bound[i].Advertised = l.Advertised, l.Advertised
		if !reflect.DeepEqual(p.asked, l) {
			return &ListenError{l.Transport, l.Addr, ErrBound}
		}
	}
	p.asked, c.taken[i] = l, true
	n.order = append(n.order, uint16(i))
	return nil
}

// ErrBound is of a listener that goes on and is to be otherwise.
var ErrBound = errors.New("can change only in how it is advertised while it is bound")

// place is where a listener of that address has been or is; else a new one.
func (c *Change) place(l *Listener) int {
	for i := range c.next.all {
		if p := &c.next.all[i].asked; !c.taken[i] && p.Transport == l.Transport && p.Addr == l.Addr {
			return i
		}
	}
	return len(c.next.all)
}

// Listeners are those of the Manager once it is Open.
func (c *Change) Listeners() []Listener { return c.next.bound }

// Open makes the change. The Manager has been started.
func (c *Change) Open() {
	c.m.places.Store(c.next)
	for _, s := range c.opened {
		s.Start(c.m.user)
	}
}

// Close stops reading from what was removed, sends what is queued as long as ctx lasts, and returns
// when it is closed.
func (c *Change) Close(ctx context.Context) error { return closeAll(ctx, c.removed) }

// Drop closes what Prepare bound.
func (c *Change) Drop() error { return closeAll(context.Background(), c.opened) }
