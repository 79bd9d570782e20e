package action

import (
	"sync"

	"sipedge/router/job"
	"sipedge/router/vars"
)

// text is a template, or the literal it is when it has no placeholder.
type text struct {
	lit  []byte
	tmpl *vars.Template // nil: lit
}

// literal reports whether the text is the policy's own, with nothing of a message in it.
func (t *text) literal() bool { return t.tmpl == nil }

// expand gives the text for j: the literal itself, else in the job's arena.
func (t *text) expand(j *job.Job) []byte {
	if t.tmpl == nil {
		return t.lit
	}
	s := scratches.Get().(*scratch)
	s.b = t.tmpl.Append(s.b[:0], j)
	b := j.Bytes(s.b)
	scratches.Put(s)
	return b
}

// build gives the text for j in b, or the literal itself; it holds as long as b.
func (t *text) build(b *scratch, j *job.Job) []byte {
	if t.tmpl == nil {
		return t.lit
	}
	b.b = t.tmpl.Append(b.b[:0], j)
	return b.b
}

// scratch is a buffer to build in what a message or a job then copies.
type scratch struct{ b []byte }

var scratches = sync.Pool{New: func() any { return &scratch{b: make([]byte, 0, 512)} }}
