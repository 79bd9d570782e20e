package natping

import (
	"bytes"
	"context"
	"slices"
	"time"

	"sipedge/backends"
)

// A note is of a binding that did not answer yet.
type note struct {
	modified int64 // Unix milliseconds, when it was registered: another time, another note
	since    int64 // Unix milliseconds, when the first ping without an answer was sent
	pings    int   // without an answer
	lost     bool  // the binding is to be removed
}

// lost is a binding that is to be removed.
type lost struct {
	aor      []byte
	id       uint64
	modified time.Time
}

// mostLost is how many bindings wait to be removed. The others are met again.
const mostLost = 10_000

// ask notes a ping of a binding. False: it did not answer too often, and is to be removed.
func (p *Pinger) ask(allowed int, now time.Time, aor []byte, b *backends.Binding) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, ok := p.asked[b.ID]
	if modified := b.Modified.UnixMilli(); !ok || n.modified != modified {
		n = note{modified: modified, since: now.UnixMilli()}
	}
	asks := n.pings <= allowed
	switch {
	case asks:
		n.pings++
	case !n.lost && len(p.lost) < mostLost:
		n.lost = true
		p.lost = append(p.lost, lost{bytes.Clone(aor), b.ID, b.Modified})
	}
	p.asked[b.ID] = n
	return asks
}

// Forget forgets the pings that a binding did not answer. The store may be locked.
func (p *Pinger) Forget(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.asked, id)
}

// takeBack takes back the last ask.
func (p *Pinger) takeBack(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, ok := p.asked[id]
	if n.pings--; ok && n.pings > 0 {
		p.asked[id] = n
	} else {
		delete(p.asked, id)
	}
}

// remove has the bindings removed that are lost.
func (p *Pinger) remove(s Store, now time.Time) {
	p.mu.Lock()
	idle := len(p.lost) > 0 && !p.removing
	p.removing = p.removing || idle
	p.mu.Unlock()
	switch {
	case !idle:
	case !s.Traits().UpdateWaits:
		p.removeAll(context.Background(), s, now)
	case !p.cfg.Pool.Go(func(ctx context.Context) { p.removeAll(ctx, s, now) }):
		p.rests()
	}
}

// removeAll removes what is lost, until ctx ends; the rest has another turn.
func (p *Pinger) removeAll(ctx context.Context, s Store, now time.Time) {
	defer p.rests()
	for ctx.Err() == nil {
		p.mu.Lock()
		if len(p.lost) == 0 {
			p.mu.Unlock()
			return
		}
		c := removal{p: p, lost: p.lost[0]}
		p.lost = p.lost[1:]
		p.mu.Unlock()
		switch err := s.Update(ctx, c.aor, now, &c); {
		case err != nil:
			p.meetAgain(c.id)
		case c.done:
			p.Forget(c.id)
			p.removed.Add(1)
		}
	}
}

// rests says that nobody removes any more.
func (p *Pinger) rests() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.removing = false
}

// meetAgain has a binding lost once more when it is visited.
func (p *Pinger) meetAgain(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n, ok := p.asked[id]; ok {
		n.lost = false
		p.asked[id] = n
	}
}

// removal is a backends.Change: a binding goes, unless it was registered anew or answered.
type removal struct {
	lost
	p    *Pinger
	done bool
}

func (c *removal) Apply(s *backends.Set) (changed bool) {
	i := slices.IndexFunc(s.Bindings, func(b backends.Binding) bool {
		return b.ID == c.id && b.Modified.Equal(c.modified)
	})
	c.p.mu.Lock()
	n, ok := c.p.asked[c.id]
	c.p.mu.Unlock()
	if c.done = i >= 0 && ok && n.lost; c.done {
		s.Bindings = slices.Delete(s.Bindings, i, i+1)
	}
	return c.done
}
