package job

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// A Trace is what a policy did to one request, in the order it happened: the
// runs of its routes, what came back and what left. A job without one records
// nothing. Record calls may come from any goroutine; reading Events is for when
// the request is done with, Ended for any time.
type Trace struct {
	// Brief leaves out the rules that did not match and what steps changed, which
	// costs much where rules are many.
	Brief bool
	// Room bounds what is recorded; nil: nothing does.
	Room *Room
	// Changed is told of every message and refusal that was added and every run
	// that ended, with nothing locked; nil: nobody is.
	Changed func(Event)

	Events []Event

	mu   sync.Mutex
	open int // runs that have not ended
}

// Event is one thing that happened: a Run, a message that came or left, or that the router
// refused something by itself.
type Event struct {
	At   time.Time `json:"at"`
	Run  *Run      `json:"run,omitempty"`
	Sent *Wire     `json:"sent,omitempty"`
	Got  *Wire     `json:"received,omitempty"`
	Why  string    `json:"refused,omitempty"` // what was wrong with it
}

// Run is one run of a route.
type Run struct {
	Type    string `json:"type"` // the route type: request, sub, branch …
	Route   string `json:"route"`
	Rules   []Try  `json:"rules,omitempty"`
	Verdict string `json:"verdict"`

	last  *snapshot // at the end of the last step, if nothing happened since
	ended bool      // of a run in Events, under the trace's mutex
}

// Try is a rule that was tried.
type Try struct {
	Index  int         `json:"index"` // in its list, from 0
	Name   string      `json:"name,omitempty"`
	Pos    string      `json:"pos,omitempty"` // file:line
	Failed *Miss       `json:"failed,omitempty"`
	Again  bool        `json:"again,omitempty"` // it goes on where a step of it waited
	Steps  []*StepDone `json:"steps,omitempty"`
}

// Miss is the first matcher of a rule that did not hold, with the value it saw.
type Miss struct {
	Field string `json:"field"` // "uri.user"
	Value string `json:"value"`
}

// StepDone is a step that ran.
type StepDone struct {
	Index   int    `json:"index"` // in its rule, from 0
	Action  string `json:"action"`
	Edits   []Edit `json:"edits,omitempty"`
	Runs    []*Run `json:"runs,omitempty"` // sub-routes it called or took as an arm
	Error   string `json:"error,omitempty"`
	Verdict string `json:"verdict"`
}

// Edit is a value a step changed. Before is empty for what was added, After for
// what was removed.
type Edit struct {
	Field  string `json:"field"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Wire is a message with the other end it went to or came from.
type Wire struct {
	Transport string         `json:"transport"`
	Remote    netip.AddrPort `json:"remote"`
	Name      string         `json:"name,omitempty"` // of the host, where somebody knows it
	Message   string         `json:"message"`
}

// Start is the first line of the message.
func (w *Wire) Start() string {
	line, _, _ := strings.Cut(w.Message, "\r\n")
	return line
}

// String names the verdict as traces write it.
func (v Verdict) String() string {
	return [...]string{"next", "return", "done", "drop", "wait"}[v]
}

// Enter begins the run of a route over j, which has a Trace. Leave ends it.
func (j *Job) Enter(of schema.Place, route string) *Run {
	r := &Run{Type: of.String(), Route: route}
	if j.step != nil {
		j.step.Runs = append(j.step.Runs, r)
	} else {
		j.Trace.add(Event{At: j.Now, Run: r}, 0)
	}
	return r
}

// Leave ends a run.
func (j *Job) Leave(r *Run, v Verdict) {
	r.Verdict = v.String()
	if j.step != nil {
		return
	}
	t := j.Trace
	t.mu.Lock()
	r.ended = true
	t.open--
	t.mu.Unlock()
	t.changed(Event{At: j.Now, Run: r})
}

// Tried records a rule of the run; of one that matched, the steps follow.
func (j *Job) Tried(r *Run, try Try) {
	r.Rules = append(r.Rules, try)
	size := len(try.Name) + len(try.Pos)
	if try.Failed != nil {
		size += len(try.Failed.Field) + len(try.Failed.Value)
	}
	j.Trace.Room.Take(size)
}

// Step begins a step of the rule r tried last; the function it returns ends it.
// vars gives the variables that are set: Field and, as Before, the value.
func (j *Job) Step(
	r *Run, index int, action string, vars func(*Job) []Edit,
) func(v Verdict, err error) {
	s := &StepDone{Index: index, Action: action}
	try := &r.Rules[len(r.Rules)-1]
	try.Steps = append(try.Steps, s)
	outer, before := j.step, r.last
	if before == nil && !j.Trace.Brief {
		before = j.snapshot(vars)
	}
	j.step, r.last = s, nil
	return func(v Verdict, err error) {
		j.step = outer
		s.Verdict = v.String()
		if err != nil {
			s.Error = err.Error()
		}
		// What an ending step does to the message is seen in what leaves; what
		// a called route does, in its own steps.
		if (v == Next || v == Return) && s.Runs == nil && before != nil {
			r.last = j.snapshot(vars)
			s.Edits = edits(before, r.last)
		}
		size := len(s.Error)
		for _, e := range s.Edits {
			size += len(e.Field) + len(e.Before) + len(e.After)
		}
		j.Trace.Room.Take(size)
	}
}

// Sent records a message that leaves. A nil Trace records nothing.
func (t *Trace) Sent(at time.Time, to transport.Target, b []byte) {
	if t.Fits() {
		e := Event{At: at, Sent: wire(to.Transport, to.Remote, b)}
		t.add(e, len(b))
		t.changed(e)
	}
}

// Received records a response. A nil Trace records nothing.
func (t *Trace) Received(at time.Time, f transport.Flow, m *sip.Message) {
	if t.Fits() {
		e := Event{At: at, Got: wire(f.Transport, f.Remote, m.Raw())}
		t.add(e, len(m.Raw()))
		t.changed(e)
	}
}

// Refused records why the router refuses something that no rule refused. A nil Trace records
// nothing.
func (t *Trace) Refused(at time.Time, why string) {
	if t.Fits() {
		e := Event{At: at, Why: why}
		t.add(e, len(why))
		t.changed(e)
	}
}

// Fits reports whether there is a Trace that has room.
func (t *Trace) Fits() bool { return t != nil && !t.Room.Full() }

func wire(t sip.Transport, remote netip.AddrPort, b []byte) *Wire {
	return &Wire{Transport: t.String(), Remote: remote, Message: string(b)}
}

func (t *Trace) add(e Event, size int) {
	t.mu.Lock()
	t.Events = append(t.Events, e)
	if e.Run != nil {
		t.open++
	}
	t.mu.Unlock()
	t.Room.Take(size)
}

func (t *Trace) changed(e Event) {
	if t.Changed != nil {
		t.Changed(e)
	}
}

// Ended is what has happened so far, without the runs that go on. Don't change
// what it returns.
func (t *Trace) Ended() (events []Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.Events {
		if e.Run == nil || e.Run.ended {
			events = append(events, e)
		}
	}
	return events
}

// Running reports whether a run goes on.
func (t *Trace) Running() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open > 0
}

// Matched calls f for every rule that matched, in order, with the run it was tried in.
func (t *Trace) Matched(f func(r *Run, try *Try)) {
	for i := range t.Events {
		if r := t.Events[i].Run; r != nil {
			r.matched(f)
		}
	}
}

func (r *Run) matched(f func(*Run, *Try)) {
	for i := range r.Rules {
		try := &r.Rules[i]
		if try.Failed != nil {
			continue
		}
		f(r, try)
		for _, s := range try.Steps {
			for _, sub := range s.Runs {
				sub.matched(f)
			}
		}
	}
}

// Steps calls f for every step that ran, in order, a step before those of the
// sub-routes it called.
func (t *Trace) Steps(f func(*StepDone)) {
	t.Matched(func(_ *Run, try *Try) {
		for _, s := range try.Steps {
			f(s)
		}
	})
}
