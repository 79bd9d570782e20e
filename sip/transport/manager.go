package transport

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport/poll"
)

// Config of a Manager.
type Config struct {
	Listeners []Listener // port 0: any free one
	Workers   int        // readers of each UDP listener; 0: as many as Go runs at once
	Limits    Limits
}

// Manager owns the sockets of the process: the Sender of a running server. A listener has its
// place among Listeners for good: it is its identity in every flow, connection and transaction
// that lives. What a Change removes leaves its place empty, for a listener of the same address
// alone to take again.
type Manager struct {
	env     Env // what all listeners have of it
	drivers Drivers
	places  atomic.Pointer[places]
	user    User // since Start
	started atomic.Bool
	conns   atomic.Uint64 // identities given so far
	routes  *routes
}

// maxPlaces leaves AnyListener free.
const maxPlaces = 1024

// places are those of all listeners there were so far. They are immutable.
type places struct {
	all   []place
	bound []Listener // of all; the zero Listener: the place is empty
	order []uint16   // of those that are not, by the configuration
	list  []Listener // bound, in that order
}

type place struct {
	asked  Listener // as it was configured: port 0 is any
	socket Socket   // nil: the place is empty
	stats  *Stats
}

// NewManager binds every listener, or none and says which one could not be.
func NewManager(cfg Config, drivers Drivers) (*Manager, error) {
	limits := cfg.Limits.Defaults()
	m := &Manager{drivers: drivers, routes: newRoutes(), env: Env{
		Workers: cfg.Workers, Limits: limits, Gate: NewGate(limits), Greeting: NewHandshakes(limits),
	}}
	if m.env.Workers <= 0 {
		m.env.Workers = runtime.GOMAXPROCS(0)
	}
	m.env.Loops = newLoops(m.env.Workers, &limits)
	// Identities outlive a restart, in flow tokens and stored contacts: begin above those
	// of the last run, unless it opened more than 65,536 connections a second.
	m.conns.Store(uint64(time.Now().Unix()) << 16)
	m.places.Store(new(places))
	c, err := m.Prepare(cfg.Listeners)
	if err != nil {
		return nil, err
	}
	m.places.Store(c.next)
	return m, nil
}

const (
	ticksLeast = time.Millisecond
	ticksMost  = time.Second
	looksMost  = 5 * time.Second
)

// newLoops returns loops that are late for the bounds of connections by an eighth at most.
func newLoops(most int, l *Limits) *poll.Loops {
	return poll.NewLoops(most, min(max(min(l.Write, l.Arrival)/16, ticksLeast), ticksMost),
		min(max(l.Idle/16, ticksLeast), looksMost))
}

// open binds a listener for the place of an index.
func (m *Manager) open(l Listener, index int, stats *Stats) (Socket, error) {
	listen := m.drivers[l.Transport]
	if listen == nil {
		return nil, &ListenError{l.Transport, l.Addr, errNoDriver}
	}
	if !l.Addr.IsValid() {
		return nil, errors.New("listen: no address")
	}
	e := m.env
	e.Listener, e.Index, e.Stats = l, uint16(index), stats
	e.NextConn = func() uint64 { return m.conns.Add(1)<<16 | uint64(index) }
	s, err := listen(e)
	if err != nil {
		return nil, &ListenError{l.Transport, l.Addr, err}
	}
	return s, nil
}

// ListenError is of a listener that is not to be had, or not as it is asked for.
type ListenError struct {
	Transport sip.Transport
	Addr      netip.AddrPort
	Err       error
}

func (e *ListenError) Error() string {
	return fmt.Sprintf("listen on %s %s: %v", e.Transport, e.Addr, e.Err)
}

func (e *ListenError) Unwrap() error { return e.Err }

var errNoDriver = errors.New("this transport is not in this build")

// Start begins to read. It is called once; until then Send gives ErrClosed.
func (m *Manager) Start(u User) {
	m.user = u
	for _, p := range m.places.Load().all {
		p.socket.Start(u)
	}
	m.started.Store(true)
}

// Listeners implements Sender.
func (m *Manager) Listeners() []Listener { return m.places.Load().bound }

// Choose implements Sender: of several that suit as well, the first in the order of the
// configuration.
func (m *Manager) Choose(t sip.Transport, remote netip.Addr) uint16 {
	return m.choose(m.places.Load(), t, remote)
}

func (m *Manager) choose(p *places, t sip.Transport, remote netip.Addr) uint16 {
	i := Choose(p.list, t, remote, m.routes.source)
	if i == AnyListener {
		return i
	}
	return p.order[i]
}

// Send implements Sender.
func (m *Manager) Send(t Target, b []byte, ref uint64) error {
	if !m.started.Load() {
		return ErrClosed
	}
	p := m.places.Load()
	if t.Listener == AnyListener {
		i := t.Conn & 0xFFFF
		if t.Conn != 0 && i < uint64(len(p.all)) && p.all[i].socket != nil {
			t.Listener = uint16(i)
		} else {
			t.Listener = m.choose(p, t.Transport, t.Remote.Addr())
		}
	}
	if int(t.Listener) >= len(p.all) || p.bound[t.Listener].Transport != t.Transport {
		return ErrNoListener
	}
	return p.all[t.Listener].socket.Send(t, b, ref)
}

// Places are Listeners with those that were removed as they were configured.
func (m *Manager) Places() []Listener {
	p := m.places.Load()
	list := slices.Clone(p.bound)
	for i := range list {
		if p.all[i].socket == nil {
			list[i] = p.all[i].asked
		}
	}
	return list
}

// Stats returns the counters of each listener, in the order of Listeners: those of removed ones
// too. They go on counting.
func (m *Manager) Stats() []*Stats {
	p := m.places.Load()
	list := make([]*Stats, len(p.all))
	for i := range list {
		list[i] = p.all[i].stats
	}
	return list
}

// Close stops reading, sends what is queued as long as ctx lasts, closes every socket
// and returns when no goroutine is left. Send then gives ErrClosed.
func (m *Manager) Close(ctx context.Context) error {
	var sockets []Socket
	for _, p := range m.places.Load().all {
		if p.socket != nil {
			sockets = append(sockets, p.socket)
		}
	}
	err := closeAll(ctx, sockets)
	m.env.Loops.Close(ctx) // those of what a Change removes may go on
	m.started.Store(false)
	return err
}

func closeAll(ctx context.Context, sockets []Socket) (all error) {
	errs := make(chan error)
	for _, s := range sockets {
		go func() { errs <- s.Close(ctx) }()
	}
	for range sockets {
		all = errors.Join(all, <-errs)
	}
	return all
}
