package job

import "sync/atomic"

// Room bounds what traces record together. It is safe for concurrent use; a nil Room has no
// bound. The last thing recorded may be beyond it.
type Room struct{ events, bytes atomic.Int64 }

// NewRoom has room for so many things that happened and bytes of text about them.
func NewRoom(events, bytes int) *Room {
	r := &Room{}
	r.events.Store(int64(events))
	r.bytes.Store(int64(bytes))
	return r
}

// Full reports whether nothing more is recorded.
func (r *Room) Full() bool { return r != nil && (r.events.Load() <= 0 || r.bytes.Load() <= 0) }

// Close makes it full.
func (r *Room) Close() { r.events.Store(0) }

// overhead is what keeping a thing takes besides its text, in bytes.
const overhead = 128

// Take is for something that happened, with so many bytes of text.
func (r *Room) Take(size int) {
	if r != nil {
		r.events.Add(-1)
		r.bytes.Add(-int64(size) - overhead)
	}
}
