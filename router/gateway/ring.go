package gateway

import "slices"

// A ring is whose turn it is, by places in a list of gateways of one priority: each as often as
// its weight says, with the others between.
type ring []int32

// mostTurns is how long a ring is at most, but for one turn of each gateway whose weight has less.
const mostTurns = 1000

func newRing(list []*Gateway) ring {
	divisor, all := 0, 0
	for _, g := range list {
		divisor, all = gcd(g.Weight, divisor), all+g.Weight
	}
	shares, turns := make([]int, len(list)), 0
	for i, g := range list {
		shares[i] = g.Weight / divisor
		if all/divisor > mostTurns {
			shares[i] = max(g.Weight*mostTurns/all, 1)
		}
		turns += shares[i]
	}
	r, had := make(ring, 0, turns), make([]int, len(list))
	for range turns {
		next := 0 // whose next turn, of those that are spread evenly over the ring, comes first
		for i := range list {
			if (2*had[i]+1)*shares[next] < (2*had[next]+1)*shares[i] {
				next = i
			}
		}
		had[next]++
		r = append(r, int32(next))
	}
	return r
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// around picks whose turn it is, or the first behind that may be chosen. Who can choose nobody
// here, or was sent elsewhere before, takes no turn from others.
func (t *tier) around(of *turn) *Gateway {
	if !slices.ContainsFunc(t.list, t.may) {
		return nil
	}
	at := int(of.Load())
	if t.c.Tried == 0 {
		at = int(of.Add(1) - 1)
	}
	for i := range t.ring {
		if g := t.list[t.ring[(at+i)%len(t.ring)]]; t.may(g) {
			return g
		}
	}
	return nil // what was ready is not any more
}
