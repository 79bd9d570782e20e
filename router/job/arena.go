package job

import (
	"sync"

	"sipedge/sip/transport"
)

// Sizes of arenas in bytes: the first one, and the largest a pooled job keeps.
const (
	arenaFirst = 1 << 10
	arenaKept  = 64 << 10
)

var jobs = sync.Pool{New: func() any {
	j := new(Job)
	j.Reset()
	return j
}}

// Get returns a job that is ready for a run.
func Get() *Job { return jobs.Get().(*Job) }

// Put gives a job back. The caller, and everything it lent bytes of the job
// to, is done with it.
func Put(j *Job) {
	if cap(j.arena) > arenaKept {
		j.arena = nil
	}
	j.Reset()
	jobs.Put(j)
}

// Reset prepares a job for a new run: every field is zero, SendSocket is
// transport.AnyListener, and the arena is empty but keeps its memory.
func (j *Job) Reset() {
	clear(j.Targets)
	j.Vars.Reset()
	j.avp.Reset()
	*j = Job{
		Targets:    j.Targets[:0],
		SendSocket: transport.AnyListener,
		Vars:       j.Vars,
		avp:        j.avp,
		arena:      j.arena[:0],
	}
}

// Bytes copies b into the job's arena and returns the copy, which holds until
// Reset. Appending to the copy never touches another. Nil stays nil.
func (j *Job) Bytes(b []byte) []byte {
	if b == nil {
		return nil
	}
	if j.arena == nil || len(b) > cap(j.arena)-len(j.arena) {
		// Copies made so far keep the arena they stand in.
		j.arena = make([]byte, 0, max(arenaFirst, 2*cap(j.arena), len(b)))
	}
	n := len(j.arena)
	j.arena = append(j.arena, b...)
	return j.arena[n:len(j.arena):len(j.arena)]
}
