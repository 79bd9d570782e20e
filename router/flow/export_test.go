package flow

// Noted is of how many bindings there are notes.
func (b *Bindings) Noted() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, h := range b.conns {
		n += h.many
	}
	if n != len(b.byID) {
		panic("notes are miscounted")
	}
	return n
}
