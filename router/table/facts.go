package table

import (
	"sync"

	"sipedge/router/job"
	"sipedge/router/table/decoded"
)

// facts are what one Match call knows of its job.
type facts struct {
	decoded.Message
	hashes [noAxis]uint32 // of values, those that hashed has a bit of
	hashed uint16
	lower  []byte // for a text without case
}

var pool = sync.Pool{New: func() any { return new(facts) }}

func borrow(j *job.Job) *facts {
	f := pool.Get().(*facts)
	f.Job = j
	return f
}

func (f *facts) release() {
	f.Forget()
	f.hashed = 0
	pool.Put(f)
}
