package trace

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// Recorder records calls of a running router, one Recording at a time. Its zero value is ready
// for use, by any number of goroutines.
type Recorder struct {
	Log *slog.Logger // of what is not recorded, at level debug; nil: nothing is logged

	armed atomic.Pointer[Recording] // nil: nothing is recorded
	last  atomic.Pointer[Recording] // the same, and after its end for a while
	mu    sync.Mutex                // of Arm
}

// kept is how long a recording that has ended can be fetched.
const kept = 10 * time.Minute

// Trace is what a router asks for every message that meets the policy: the trace to tell it to,
// or nil. While nothing is recorded, and debug is not the level of the log, it costs two atomic
// loads.
func (r *Recorder) Trace(f transport.Flow, m *sip.Message) *job.Trace {
	if rec := r.armed.Load(); rec != nil {
		if t := rec.trace(f, m); t != nil {
			return t
		}
	}
	if r.Log != nil && r.Log.Enabled(context.Background(), slog.LevelDebug) {
		return logged(r.Log, f, m)
	}
	return nil
}

// Arm begins a recording. The error is ErrBusy, or says what is wrong with the order.
func (r *Recorder) Arm(o Order) (*Recording, error) {
	f, err := o.filter()
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.armed.Load(); now != nil {
		return nil, fmt.Errorf("%w, %v at most", ErrBusy, time.Until(now.ends).Round(time.Second))
	}
	rec := &Recording{
		id: rand.Text(), filter: f, ends: time.Now().Add(f.time), recorder: r,
		room: job.NewRoom(maxEvents, maxBytes), byID: map[string]*call{},
	}
	rec.mu.Lock()
	rec.timer = time.AfterFunc(f.time, func() { rec.end(ByTime) })
	rec.mu.Unlock()
	r.last.Store(rec)
	r.armed.Store(rec)
	return rec, nil
}

// Find returns the recording of that id, if it runs or has ended not long ago; else nil.
func (r *Recorder) Find(id string) *Recording {
	if rec := r.last.Load(); rec != nil && rec.id == id {
		return rec
	}
	return nil
}
