package flow

import (
	"time"

	"sipedge/sip/transport"
)

// hanging are the notes of a connection.
type hanging struct {
	last *binding // that was noted
	many int
	most int // so many are noted before those that expired are looked for
}

// fewest is how many notes of a connection may be of bindings that expired. Not every store tells.
const fewest = 16

// Held reports whether a binding that lives at now hangs on a connection.
func (b *Bindings) Held(f transport.Flow, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := b.conns[f.Conn].last; n != nil; n = n.earlier {
		if n.until > now.UnixMilli() {
			return true
		}
	}
	return false
}

// hang keeps a note.
func (b *Bindings) hang(n *binding, now int64) {
	h := b.conns[n.conn]
	if h.many >= max(h.most, fewest) {
		for o := h.last; o != nil; o = o.earlier {
			if o.until <= now {
				b.drop(o)
			}
		}
		h = b.conns[n.conn]
		h.most = 2 * h.many
	}
	b.byID[n.id] = n
	if n.earlier = h.last; n.earlier != nil {
		n.earlier.later = n
	}
	h.last = n
	h.many++
	b.conns[n.conn] = h
}

// drop forgets a note.
func (b *Bindings) drop(n *binding) {
	delete(b.byID, n.id)
	if n.earlier != nil {
		n.earlier.later = n.later
	}
	h := b.conns[n.conn]
	if h.many--; n.later != nil {
		n.later.earlier = n.earlier
	} else {
		h.last = n.earlier
	}
	if h.last == nil {
		delete(b.conns, n.conn)
	} else {
		b.conns[n.conn] = h
	}
}
