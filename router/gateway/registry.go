package gateway

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/router/job"
	"sipedge/router/uac"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// Resolver is what is asked of sip/resolve.
type Resolver interface {
	Cached(dst []resolve.Hop, q resolve.Query) (hops []resolve.Hop, ok bool, err error)
	Lookup(ctx context.Context, q resolve.Query) ([]resolve.Hop, error)
}

// Asker sends probes: a uac.Agent.
type Asker interface {
	Ask(s *uac.Settings, r *uac.Request, wait time.Duration, then uac.Answer)
}

// Config of a Registry.
type Config struct {
	Resolver Resolver
	Asker    Asker
	Pool     job.Pool // looks names up
	Clock    func() time.Time
	Log      *slog.Logger
	Random   func() uint64 // nil: by chance
	// Changed is called when the state of a gateway has changed; nil: nobody is told. It is quick.
	Changed func(Status)
	// Watch: gateways are probed and looked up; else each can be used until calls tell otherwise.
	Watch bool
}

// Registry knows of every gateway that policies had so far: what is known of one is found again by
// the name of its set and its URI, and is never let go of, since transactions name it by number.
// It is safe for concurrent use.
//
// Locks: turn before mu; neither is held while something is asked of others, but for turn by
// Advance.
type Registry struct {
	cfg   Config
	calls calls

	mu     sync.Mutex
	states map[key]*State
	turns  map[string]*turn
	all    atomic.Pointer[[]*State] // by number, from 1; written under mu
	sets   atomic.Pointer[policy]

	turn  round
	finds atomic.Int32 // names being looked up
}

type key struct{ set, uri string }

// policy is what a policy says of gateways.
type policy struct {
	sets *Sets
	self *job.Self
	own  *uac.Settings
}

// New makes a Registry. It watches nothing before Swap.
func New(cfg Config) *Registry {
	if cfg.Random == nil {
		cfg.Random = rand.Uint64
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Changed == nil {
		cfg.Changed = func(Status) {}
	}
	r := &Registry{cfg: cfg, states: map[key]*State{}, turns: map[string]*turn{}}
	r.all.Store(&[]*State{})
	r.calls.seed = maphash.MakeSeed()
	r.calls.forget()
	return r
}

// state finds what is known of a gateway, or begins to know it.
func (r *Registry) state(set, uri string) *State {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := key{set, uri}
	if s := r.states[k]; s != nil {
		return s
	}
	list := append(slices.Clone(*r.all.Load()), &State{id: uint32(len(r.states) + 1)})
	r.states[k] = list[len(list)-1]
	r.all.Store(&list)
	return r.states[k]
}

func (r *Registry) turnOf(set string) *turn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turns[set] == nil {
		r.turns[set] = new(turn)
	}
	return r.turns[set]
}

// at is the State of a number; nil: there is none.
func (r *Registry) at(id uint32) *State {
	if list := *r.all.Load(); id > 0 && int(id) <= len(list) {
		return list[id-1]
	}
	return nil
}

// Swap makes sets, which this Registry read, those that are watched. Advance is to be called then.
func (r *Registry) Swap(sets *Sets, self *job.Self, own *uac.Settings) {
	now := r.cfg.Clock()
	r.turn.Lock()
	defer r.turn.Unlock()
	r.sets.Store(&policy{sets, self, own})
	for _, s := range *r.all.Load() {
		s.current.Store(nil)
	}
	r.turn.begin()
	for _, set := range sets.list {
		for _, g := range set.gateways {
			g.current.Store(g)
			r.know(g)
			r.turn.add(g, now)
		}
	}
}

// Began implements transaction.Watch.
func (r *Registry) Began(id uint32, method sip.Method) {
	if s := r.at(id); s != nil && method == sip.INVITE {
		s.calls.Add(1)
	}
}

// Answered implements transaction.Watch. A final response that tells against the gateway is told
// by Ended.
func (r *Registry) Answered(id uint32, status int, at time.Time, after time.Duration) {
	s := r.at(id)
	if s == nil {
		return
	}
	if g := s.current.Load(); g != nil && !g.set.passive.bad.have(status) {
		s.pace.took(after, at)
	}
}

// Ended implements transaction.Watch.
func (r *Registry) Ended(id uint32, method sip.Method, m *sip.Message, err error) {
	s := r.at(id)
	if s == nil {
		return
	}
	p := r.sets.Load()
	if method == sip.INVITE && !(m != nil && p != nil && r.calls.answered(s, m, p.self)) {
		s.calls.Add(-1)
	}
	g := s.current.Load()
	switch {
	case g == nil:
	case m != nil:
		r.heard(g, !g.set.passive.bad.have(m.Status()))
	case transport.Ours(err): // it is not the gateway that lacks room
	case errors.Is(err, transaction.ErrTimeout), errors.Is(err, transaction.ErrTransport):
		r.heard(g, false)
	}
}

func (r *Registry) heard(g *Gateway, good bool) {
	now := r.cfg.Clock()
	if !good {
		g.pace.took(slowest, now)
	}
	if g.heard(g, good, now) {
		r.tell(g, "calls")
	}
}

// tell tells that a gateway went down or came back.
func (r *Registry) tell(g *Gateway, by string) {
	message, level := "gateway up", slog.LevelInfo
	if g.down.Load() {
		message, level = "gateway down", slog.LevelWarn
	}
	r.cfg.Log.LogAttrs(context.Background(), level, message,
		slog.String("set", g.set.Name), slog.String("gateway", string(g.URI)), slog.String("by", by))
	r.cfg.Changed(g.status())
}

// Hear is told of requests of dialogs that were sent on: a BYE ends its call.
func (r *Registry) Hear(m *sip.Message) {
	if m.Method() == sip.BYE {
		r.calls.over(m)
	}
}

// Status is what is known of a gateway of the policy that runs.
type Status struct {
	Set, URI   string
	Weight     int
	Priority   int
	MaxCalls   int // 0: any number
	Mode       Mode
	Down, Lost bool          // it does not answer; its name has no address
	Since      time.Time     // when it went down or up; zero: never
	Calls      int64         // now
	Pace       time.Duration // of answers, smoothed, however long ago; 0: none came
	Chosen     uint64        // since the start, as the following
	Failed     uint64        // requests it was chosen for that tell against it
	Probes     uint64
	Unanswered uint64 // probes without a good answer
}

// StateNames are what State may return.
var StateNames = []string{"up", "down", "unresolved", "drained", "disabled"}

// State is whether the gateway can be chosen, in a word: up, or why not.
func (s *Status) State() string {
	switch {
	case s.Mode != Enabled:
		return s.Mode.String()
	case s.Lost:
		return "unresolved"
	case s.Down:
		return "down"
	}
	return "up"
}

// List are the gateways of the policy that runs, in its order.
func (r *Registry) List() (list []Status) {
	p := r.sets.Load()
	if p == nil {
		return nil
	}
	for _, set := range p.sets.list {
		for _, g := range set.gateways {
			list = append(list, g.status())
		}
	}
	return list
}

func (g *Gateway) status() Status {
	s := Status{
		Set: g.set.Name, URI: string(g.URI), Weight: g.Weight, Priority: g.Priority,
		MaxCalls: g.MaxCalls, Mode: Mode(g.mode.Load()), Down: g.down.Load(),
		Lost: g.lost.Load(), Calls: g.State.calls.Load(), Chosen: g.chosen.Load(),
		Failed: g.failed.Load(), Probes: g.probes.Load(), Unanswered: g.unanswered.Load(),
		Pace: time.Duration(g.pace.mean.Load()),
	}
	if at := g.since.Load(); at != 0 {
		s.Since = time.Unix(0, at)
	}
	return s
}

// SetMode says how the gateways of a set may be used: one, or with an empty uri all. It is how many
// there are. What is enabled counts as up.
func (r *Registry) SetMode(set, uri string, mode Mode) (n int) {
	p := r.sets.Load()
	if p == nil {
		return 0
	}
	now := r.cfg.Clock()
	for _, s := range p.sets.list {
		for _, g := range s.gateways {
			if s.Name != set || uri != "" && string(g.URI) != uri {
				continue
			}
			n++
			g.mode.Store(uint32(mode))
			if mode == Enabled {
				g.rise(now)
			}
			r.cfg.Log.Info("gateway set", "set", set, "gateway", string(g.URI), "mode", mode)
			r.cfg.Changed(g.status())
		}
	}
	return n
}

// Snapshot returns a function that puts back what is known of gateways as it is now.
func (r *Registry) Snapshot() (restore func()) {
	list := *r.all.Load()
	before := make([]kept, len(list))
	for i, s := range list {
		before[i] = s.keep()
	}
	turns := map[*turn]uint32{}
	r.mu.Lock()
	for _, t := range r.turns {
		turns[t] = t.Load()
	}
	r.mu.Unlock()
	return func() {
		for i, s := range list {
			s.putBack(before[i])
		}
		for t, n := range turns {
			t.Store(n)
		}
		r.calls.forget()
	}
}
