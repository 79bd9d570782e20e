package scene

import (
	"errors"
	"net/netip"
	"time"

	"sipedge/schema"
	"sipedge/sip/siptest"
	"sipedge/sip/transport/mem"
)

// What can be played. The start of a router is seen by the scene that is about it
// alone, timer routes run for the scenes that are about them.

// patience is how long a scene may take, in virtual time.
const patience = 15 * time.Minute

// Start makes a world for a policy and lets its router live for some time, which
// nobody sees: the startup route has run, and timer routes as they were due. from is
// when it starts; zero: whenever. own are addresses of its listeners, as Listeners
// takes them.
func Start(
	doc *schema.Document, out Outside, from time.Time, live time.Duration, own ...netip.Addr,
) (*World, error) {
	w, err := newWorld(mem.New(mem.Config{From: from}), doc, out, false, own...)
	if err != nil {
		return nil, err
	}
	w.timers = every
	if err := w.begin(New(nil)); err != nil {
		return nil, err
	}
	w.net.Run(w.net.Now().Add(live))
	w.timers = nil
	return w, nil
}

// Ask has a request come, and waits until nothing more comes of it. The error is that
// of an origin from which it cannot come.
func (w *World) Ask(s *Scene, from Origin, m *Message) error { return w.ask(s, from, m, false) }

// AskNow is Ask that stops at what follows at once.
func (w *World) AskNow(s *Scene, from Origin, m *Message) error { return w.ask(s, from, m, true) }

// ask is Ask; now stops at what follows at once.
func (w *World) ask(s *Scene, from Origin, m *Message, now bool) error {
	f, err := from.Flow(w.node.Listeners())
	if err != nil {
		return err
	}
	if m.Login != (Login{}) {
		if m, err = w.signed(s, from, m, now); err != nil {
			return err
		}
	}
	w.count++
	w.enter(s)
	request := m.bytes(f, w.count)
	s.Request = string(request)
	w.after(0, func() { w.router.Receive(f, request) })
	if now {
		w.net.Run(s.began)
	} else {
		w.settle()
	}
	s.end()
	return nil
}

// Timer has a timer route, and no other, run as it is due within some time.
func (w *World) Timer(s *Scene, route string, within time.Duration) {
	w.enter(s)
	w.timers = func(name string) bool { return name == route }
	w.net.Run(s.began.Add(within))
	w.timers = nil
	w.settle()
	s.end()
}

// Startup starts a router. The error is also that of a step of the startup route; then
// the scene shows how far it came.
func Startup(s *Scene, doc *schema.Document, out Outside, at time.Time) error {
	w, err := newWorld(mem.New(mem.Config{From: at}), doc, out, false)
	if err != nil {
		return err
	}
	err = w.begin(s)
	w.net.Run(s.began) // what it sends leaves now
	w.settle()
	s.end()
	return err
}

// Converse plays a flow against a router of its own, whose timer routes run as long
// as it lasts. ladder is what was sent and received, a line a message.
func Converse(s *Scene, doc *schema.Document, out Outside, flow string) (
	ladder string, err error,
) {
	ladder, err = siptest.Play(flow, func(net *mem.Network) (siptest.System, error) {
		w, err := newWorld(net, doc, out, true)
		if err != nil {
			return siptest.System{}, err
		}
		w.timers = every
		return siptest.System{
			Ended: func() { w.timers = nil },
			Idle: func() error {
				if !w.Idle() {
					return errors.New("transactions are left in memory")
				}
				return nil
			},
		}, w.begin(s)
	})
	if s.w != nil {
		s.end()
	}
	return ladder, err
}

// Wait lets time pass until t, after the scene: what is sent nobody sees.
func (w *World) Wait(t time.Time) {
	w.scene = nil
	w.net.Run(t)
}

// Forget has the policy remember nothing of the scenes so far: its caches and
// buckets are as the start of the router left them. Transactions stay.
func (w *World) Forget() { w.forget() }

// Crowded reports whether so many transactions are left that another world should
// be made.
func (w *World) Crowded() bool { return w.router.Live() > maxLive/2 }

// Idle reports whether the router has forgotten all that was.
func (w *World) Idle() bool { return w.router.Idle() }

// Clean reports whether it is as it was before the scenes: idle, with the bindings it had.
func (w *World) Clean() bool { return w.Idle() && !w.changed }

// settle lets time pass until nothing of the scene is to come.
func (w *World) settle() {
	end := w.net.Now().Add(patience)
	for w.net.Pending() > 0 && w.net.Now().Before(end) {
		if w.beats && w.busy == 0 && w.router.Idle() {
			return
		}
		w.net.Step()
	}
}

// after has something happen in the scene.
func (w *World) after(d time.Duration, f func()) {
	w.busy++
	w.net.After(d, func() {
		w.busy--
		f()
	})
}
