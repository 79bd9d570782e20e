package transport

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"

	"sipedge/sip"
)

// Config of a Manager.
type Config struct {
	Listeners []Listener // port 0: any free one
	Workers   int        // readers of each UDP listener; 0: as many as Go runs at once
	Limits    Limits
}

// Manager owns the sockets of the process: the Sender of a running server.
type Manager struct {
	listeners []Listener
	sockets   []Socket
	stats     []*Stats
	started   atomic.Bool
	conns     atomic.Uint64 // identities given so far
	routes    *routes
}

// maxListeners leaves AnyListener free.
const maxListeners = 1024

// NewManager binds every listener, or none and says which one could not be.
func NewManager(cfg Config, drivers Drivers) (*Manager, error) {
	if len(cfg.Listeners) > maxListeners {
		return nil, fmt.Errorf("%d listeners: more than %d", len(cfg.Listeners), maxListeners)
	}
	m := &Manager{routes: newRoutes()}
	// Identities outlive a restart, in flow tokens and stored contacts: begin above those
	// of the last run, unless it opened more than 65,536 connections a second.
	m.conns.Store(uint64(time.Now().Unix()) << 16)
	limits := cfg.Limits.Defaults()
	gate, greeting := NewGate(limits), NewHandshakes(limits)
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	for i, l := range cfg.Listeners {
		e := Env{
			Listener: l, Index: uint16(i), Workers: cfg.Workers,
			Limits: limits, Stats: new(Stats), Gate: gate, Greeting: greeting,
			NextConn: func() uint64 { return m.conns.Add(1)<<16 | uint64(i) },
		}
		s, err := open(e, drivers)
		if err != nil {
			return nil, errors.Join(err, m.Close(context.Background()))
		}
		m.listeners = append(m.listeners, s.Listener())
		m.sockets = append(m.sockets, s)
		m.stats = append(m.stats, e.Stats)
	}
	return m, nil
}

func open(e Env, drivers Drivers) (Socket, error) {
	listen := drivers[e.Listener.Transport]
	if listen == nil {
		return nil, fmt.Errorf("listen on %s: transport %s is not in this build",
			e.Listener.Addr, e.Listener.Transport)
	}
	e.Listener.Addr = netip.AddrPortFrom(e.Listener.Addr.Addr().Unmap(), e.Listener.Addr.Port())
	if !e.Listener.Addr.IsValid() {
		return nil, errors.New("listen: no address")
	}
	s, err := listen(e)
	if err != nil {
		return nil, fmt.Errorf("listen on %s %s: %w", e.Listener.Transport, e.Listener.Addr, err)
	}
	return s, nil
}

// Start begins to read. It is called once; until then Send gives ErrClosed.
func (m *Manager) Start(u User) {
	for _, s := range m.sockets {
		s.Start(u)
	}
	m.started.Store(true)
}

// Listeners implements Sender.
func (m *Manager) Listeners() []Listener { return m.listeners }

// Choose implements Sender.
func (m *Manager) Choose(t sip.Transport, remote netip.Addr) uint16 {
	return Choose(m.listeners, t, remote, m.routes.source)
}

// Send implements Sender.
func (m *Manager) Send(t Target, b []byte, ref uint64) error {
	if !m.started.Load() {
		return ErrClosed
	}
	if t.Listener == AnyListener {
		if i := t.Conn & 0xFFFF; t.Conn != 0 && i < uint64(len(m.sockets)) {
			t.Listener = uint16(i)
		} else {
			t.Listener = m.Choose(t.Transport, t.Remote.Addr())
		}
	}
	if int(t.Listener) >= len(m.sockets) || m.listeners[t.Listener].Transport != t.Transport {
		return ErrNoListener
	}
	return m.sockets[t.Listener].Send(t, b, ref)
}

// Stats returns the counters of each listener, in the order of Listeners. They go on counting.
func (m *Manager) Stats() []*Stats { return m.stats }

// Close stops reading, sends what is queued as long as ctx lasts, closes every socket
// and returns when no goroutine is left. Send then gives ErrClosed.
func (m *Manager) Close(ctx context.Context) error {
	errs := make(chan error)
	for _, s := range m.sockets {
		go func() { errs <- s.Close(ctx) }()
	}
	var all error
	for range m.sockets {
		all = errors.Join(all, <-errs)
	}
	m.started.Store(false)
	return all
}
