package data

import (
	"sync/atomic"
	"time"
)

// History is how a table was read that comes from a file or a database.
type History struct {
	Read    time.Time // when its rows were read; zero: never
	Version uint64    // of its rows: 1 at the start, one more with every change
	Failed  bool      // the last time it could not be read
	Error   string    // why, or why its changes are not told; "": neither
	Left    int       // rows that were left out, since they can't be meant here
	// How often it was read again, and how often that failed.
	Done, Failures uint64
}

// History is how the table was read; ok false: it stands in the policy.
func (t *Table) History() (h History, ok bool) {
	if t.file == nil && t.remote == nil {
		return h, false
	}
	return t.now(), true
}

// history is History as it is written while others read it.
type history struct {
	read           atomic.Int64 // Unix nanoseconds
	version        atomic.Uint64
	wrong          atomic.Pointer[string] // why the last read failed; nil: it did not
	done, failures atomic.Uint64
}

// now is the history of the table and of the rows that it has.
func (t *Table) now() History {
	h := t.history.now()
	if c := t.content.Load(); c != nil {
		h.Left = c.left.Rules
	}
	if r := t.remote; r != nil && !h.Failed {
		if deaf := r.deaf.Load(); deaf != nil {
			h.Error = *deaf
		}
	}
	return h
}

func (h *history) now() History {
	now := History{
		Version: h.version.Load(), Done: h.done.Load(), Failures: h.failures.Load(),
	}
	if wrong := h.wrong.Load(); wrong != nil {
		now.Failed, now.Error = true, *wrong
	}
	if at := h.read.Load(); at != 0 {
		now.Read = time.Unix(0, at)
	}
	return now
}

func (h *history) begin(at time.Time) {
	h.read.Store(at.UnixNano())
	h.version.Store(1)
}

// resume goes on with the rows of a table that was read before.
func (h *history) resume(old *history) {
	h.read.Store(old.read.Load())
	h.version.Store(old.version.Load())
}

// failed reports whether the last read failed.
func (h *history) failed() bool { return h.wrong.Load() != nil }

// failure notes one, and reports whether it is the first in a row.
func (h *history) failure(err error) bool {
	wrong := err.Error()
	h.failures.Add(1)
	return h.wrong.Swap(&wrong) == nil
}

// success notes that rows were read, and whether they are others.
func (h *history) success(changed bool) {
	h.read.Store(time.Now().UnixNano())
	h.done.Add(1)
	h.wrong.Store(nil)
	if changed {
		h.version.Add(1)
	}
}
