package gateway

import (
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"sipedge/router/job"
)

// turn is whose turn it is in a set.
type turn struct{ atomic.Uint32 }

// plans number lists of sets, so that a transaction keeps a number.
type plans struct {
	mu   sync.RWMutex
	ids  map[string]uint32 // by names of sets
	list [][]*Set
}

// plan is the number of a list of sets, which counts from 1.
func (p *plans) plan(sets []*Set) uint32 {
	var names []string
	for _, s := range sets {
		names = append(names, s.Name)
	}
	key := strings.Join(names, " ")
	p.mu.Lock()
	defer p.mu.Unlock()
	if id, ok := p.ids[key]; ok {
		return id
	}
	p.list = append(p.list, slices.Clone(sets))
	p.ids[key] = uint32(len(p.list))
	return p.ids[key]
}

// sets are those of a plan; none of 0.
func (p *plans) sets(plan uint32) []*Set {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if plan == 0 || int(plan) > len(p.list) {
		return nil
	}
	return p.list[plan-1]
}

// Plans are the numbers of plans of one set each, of all sets in the order of the policy.
func (s *Sets) Plans() (plans []uint32) {
	if s == nil {
		return nil
	}
	for _, set := range s.list {
		plans = append(plans, s.plan([]*Set{set}))
	}
	return plans
}

// Choose chooses a gateway that c has not tried, of the first set of a plan that has one for q,
// and notes it in c. Nil: there is none.
func (r *Registry) Choose(s *Sets, plan uint32, c *job.Choice, q *Request) *Gateway {
	for _, set := range s.sets(plan) {
		if g := set.choose(r.cfg.Random, c, q); g != nil {
			return g
		}
	}
	return nil
}

func (s *Set) choose(random func() uint64, c *job.Choice, q *Request) *Gateway {
	rings := s.rings
	for rest := s.gateways; len(rest) > 0; {
		n := 1 // gateways of the first priority left
		for n < len(rest) && rest[n].Priority == rest[0].Priority {
			n++
		}
		tier := tier{list: rest[:n], c: c, q: q}
		if len(rings) > 0 {
			tier.ring, rings = rings[0], rings[1:]
		}
		for g := tier.pick(s, random); g != nil; g = tier.pick(s, random) {
			c.Tried |= g.bit()
			if g.take(q) {
				return g
			}
		}
		rest = rest[n:]
	}
	return nil
}

// bit is that of the gateway in job.Choice. Two gateways of one set have the same when the set has
// more than 64, or was made over several reloads: then one is not chosen after the other.
func (g *Gateway) bit() uint64 { return 1 << (g.id % 64) }

// tier is gateways of one priority, of which a request may choose.
type tier struct {
	list []*Gateway
	ring ring // of RoundRobin
	c    *job.Choice
	q    *Request
}

func (t *tier) may(g *Gateway) bool { return t.c.Tried&g.bit() == 0 && g.ready(t.q) }

// pick picks a gateway; nil: there is none.
func (t *tier) pick(s *Set, random func() uint64) *Gateway {
	switch s.Algorithm {
	case RoundRobin:
		return t.around(s.turn)
	case Hash:
		return t.rendezvous()
	case LeastCalls:
		return t.least(int(random() % uint64(len(t.list))))
	case First:
		return t.first()
	case Latency:
		return t.faster(random)
	}
	return t.chance(random, nil)
}

// first picks the first in the order written.
func (t *tier) first() *Gateway {
	for _, g := range t.list {
		if t.may(g) {
			return g
		}
	}
	return nil
}

// rendezvous picks the one whose the key is.
func (t *tier) rendezvous() (best *Gateway) {
	most := math.Inf(-1)
	for _, g := range t.list {
		if s := score(t.c.Seed, g) / float64(g.share(t.q.Now)); s > most && t.may(g) {
			best, most = g, s
		}
	}
	return best
}

// least picks the one with the fewest calls for its share; of several the next from one on.
func (t *tier) least(first int) (best *Gateway) {
	least := math.Inf(1)
	for i := range t.list {
		g := t.list[(first+i)%len(t.list)]
		load := float64(g.calls.Load()+1) / float64(g.share(t.q.Now))
		if load < least && t.may(g) {
			best, least = g, load
		}
	}
	return best
}

// chance picks one at random, by share, other than one.
func (t *tier) chance(random func() uint64, but *Gateway) (last *Gateway) {
	var all int64
	for _, g := range t.list {
		if g != but && t.may(g) {
			all += g.share(t.q.Now)
		}
	}
	if all == 0 {
		return nil
	}
	at := int64(random() % uint64(all))
	for _, g := range t.list {
		if g == but || !t.may(g) {
			continue
		}
		if last = g; at < g.share(t.q.Now) {
			return g
		}
		at -= g.share(t.q.Now)
	}
	return last // what was ready is not any more
}

// score is the logarithm of a number between 0 and 1 that is the gateway's for a key. Divided by
// its weight, the gateway with the greatest has so many keys as its weight says.
func score(seed uint32, g *Gateway) float64 {
	h := g.hash ^ uint64(seed)*0x9E3779B97F4A7C15
	h ^= h >> 30
	h *= 0xBF58476D1CE4E5B9
	h ^= h >> 27
	h *= 0x94D049BB133111EB
	h ^= h >> 31
	return math.Log((float64(h>>11) + 0.5) / (1 << 53))
}

// sum is the hash of a text, which is the same in every server (FNV-1a): servers that stand in for
// each other choose alike.
func sum(text []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, b := range text {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}

// Seed is what a key makes of a choice.
func Seed(key []byte) uint32 {
	h := sum(key)
	return uint32(h>>32) ^ uint32(h)
}
