// Package events tells those who listen what changes in a running server. Its one law: who
// publishes never waits, and while nobody listens it costs the load of one word.
package events

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/backends"
)

// Kind is what an event is of. Names are those of OpenSIPS where it has such an event.
type Kind uint8

const (
	ContactInsert Kind = iota
	ContactUpdate
	ContactDelete
	GatewayStatus
	MediaStatus
	BackendStatus
	TargetStatus
	CertificateStatus
	PolicyReload
	ServerDrain

	kinds // how many there are

	subscribed = kinds     // the first of each stream
	missed     = kinds + 1 // some are lost
)

var names = [...]string{
	ContactInsert: "E_UL_CONTACT_INSERT", ContactUpdate: "E_UL_CONTACT_UPDATE",
	ContactDelete: "E_UL_CONTACT_DELETE", GatewayStatus: "E_DISPATCHER_STATUS",
	MediaStatus: "E_RTPENGINE_STATUS", BackendStatus: "E_BACKEND_STATUS",
	TargetStatus: "E_TARGET_STATUS", CertificateStatus: "E_CERTIFICATE_STATUS",
	PolicyReload: "E_RELOAD", ServerDrain: "E_DRAIN",
	subscribed: "E_SUBSCRIBED", missed: "E_LOST",
}

// Names are those one can listen to.
func Names() []string { return slices.Clone(names[:kinds]) }

// Event is something that happened.
type Event struct {
	Name   string    `json:"event" doc:"Its name: E_RELOAD. The first of a stream is E_SUBSCRIBED."`
	At     time.Time `json:"time" doc:"When it was."`
	Params any       `json:"params,omitempty" doc:"More of it, by the names of its kind."`
	Lost   uint64    `json:"lost,omitempty" doc:"Of E_LOST: as many were lost here."`
}

const (
	maxListeners = 16   // at once
	maxWaiting   = 1024 // events that a listener has not taken
)

// Hub passes events on. It is safe for concurrent use.
type Hub struct {
	wanted    atomic.Uint32 // bit k: somebody listens to Kind k
	listeners atomic.Pointer[[]*Listener]
	told      [kinds]atomic.Uint64
	lost      atomic.Uint64

	mu      sync.Mutex                // of changes of listeners, and of watched
	watched map[backends.Backend]bool // those of the policy that runs
}

// New makes a Hub nobody listens to.
func New() *Hub {
	h := &Hub{watched: map[backends.Backend]bool{}}
	h.listeners.Store(new([]*Listener))
	return h
}

// Wants reports whether somebody listens to events of a kind.
func (h *Hub) Wants(k Kind) bool { return h.wanted.Load()&(1<<k) != 0 }

// Publish tells those who listen to k that something happened. params, a struct for JSON, is not
// changed any more.
func (h *Hub) Publish(k Kind, params any) {
	if !h.Wants(k) {
		return
	}
	h.told[k].Add(1)
	e := Event{Name: names[k], At: time.Now(), Params: params}
	for _, l := range *h.listeners.Load() {
		if l.kinds&(1<<k) != 0 && !l.put(e) {
			h.lost.Add(1)
		}
	}
}

// Stats are counters since the start, and how many listen now.
type Stats struct {
	Listeners int
	Told      map[string]uint64 // events that somebody listened to, by name
	Lost      uint64            // by listeners that had too many before them
}

// Stats tells how much there was.
func (h *Hub) Stats() Stats {
	s := Stats{Listeners: len(*h.listeners.Load()), Told: map[string]uint64{}, Lost: h.lost.Load()}
	for k := range h.told {
		s.Told[names[k]] = h.told[k].Load()
	}
	return s
}

// ErrFull: as many listen as may.
var ErrFull = errors.New("too many listen already")

// ErrName is of a name that is none.
var ErrName = errors.New("no such event")

// Listen begins to gather events of these names, none: of all. ErrName and ErrFull are its errors.
func (h *Hub) Listen(to []string) (*Listener, error) {
	if len(to) == 0 {
		to = Names()
	}
	l := &Listener{hub: h, more: make(chan struct{}, 1)}
	for _, name := range to {
		k := slices.Index(names[:kinds], name)
		if k < 0 {
			return nil, fmt.Errorf("%q: %w; there are %s", name, ErrName, strings.Join(Names(), ", "))
		}
		l.kinds |= 1 << k
	}
	l.put(Event{Name: names[subscribed], At: time.Now(), Params: subscription{to}})
	h.mu.Lock()
	defer h.mu.Unlock()
	list := *h.listeners.Load()
	if len(list) >= maxListeners {
		return nil, ErrFull
	}
	h.set(append(slices.Clip(list), l))
	return l, nil
}

// subscription is what a listener is told at first.
type subscription struct {
	Names []string `json:"names"`
}

// set makes list those who listen.
func (h *Hub) set(list []*Listener) {
	h.listeners.Store(&list)
	wanted := uint32(0)
	for _, l := range list {
		wanted |= l.kinds
	}
	h.wanted.Store(wanted)
}

// Listener gathers events until Close.
type Listener struct {
	hub   *Hub
	kinds uint32
	more  chan struct{} // something waits

	mu      sync.Mutex
	waiting []Event
	lost    uint64 // behind those that wait
}

// put adds an event; false: it is lost.
func (l *Listener) put(e Event) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) >= maxWaiting {
		l.lost++
		return false
	}
	l.waiting = append(l.waiting, e)
	select {
	case l.more <- struct{}{}:
	default:
	}
	return true
}

// Take waits for events, and returns all that are there. Where some were lost one says so. Its
// error is that of ctx.
func (l *Listener) Take(ctx context.Context) ([]Event, error) {
	select {
	case <-l.more:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.waiting
	if l.lost > 0 {
		list = append(list, Event{Name: names[missed], At: time.Now(), Lost: l.lost})
	}
	l.waiting, l.lost = nil, 0
	return list, nil
}

// Close ends it.
func (l *Listener) Close() {
	h := l.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	h.set(slices.DeleteFunc(slices.Clone(*h.listeners.Load()), func(o *Listener) bool {
		return o == l
	}))
}
