package resolve

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// A proxy that keeps no state sends a request that comes again, its CANCEL and the ACK to what
// refused it where it sent the request, RFC 3263 §4.4: by a Seed that they have in common, whatever
// the order in which a name server tells its records.

// drawBySeed appends the hops of places of one rank: each has a lot, and the one whose lot is the
// best for its weight comes first. So each is first with the chance that drawGroup gives it.
func drawBySeed(dst []Hop, group []place, seed uint64) []Hop {
	zeros := 0.
	for i := range group {
		if group[i].weight == 0 {
			zeros++
		}
	}
	var lots [maxServers]float64
	for i := range group {
		weight := float64(group[i].weight)
		if weight == 0 {
			weight = 1 / zeros
		}
		lots[i] = -math.Log(placeLot(seed, group[i].hops)) / weight
	}
	for range group {
		best := 0
		for i := range group {
			if lots[i] < lots[best] {
				best = i
			}
		}
		dst = appendBySeed(dst, group[best].hops, seed)
		lots[best] = math.Inf(1)
	}
	return dst
}

// appendBySeed appends the hops of a place: those of one family in the order of their lots.
func appendBySeed(dst, hops []Hop, seed uint64) []Hop {
	for len(hops) > 0 {
		n := 1
		for n < len(hops) && hops[n].Addr.Addr().Is4() == hops[0].Addr.Addr().Is4() {
			n++
		}
		at := len(dst)
		dst = append(dst, hops[:n]...)
		slices.SortFunc(dst[at:], func(a, b Hop) int {
			return cmp.Compare(hopLot(seed, &a), hopLot(seed, &b))
		})
		hops = hops[n:]
	}
	return dst
}

// placeLot is a number between 0 and 1 that is the place's for a seed.
func placeLot(seed uint64, hops []Hop) float64 {
	var sum uint64
	for i := range hops {
		sum ^= hopLot(seed, &hops[i])
	}
	return (float64(mixed(sum)>>11) + 0.5) / (1 << 53)
}

func hopLot(seed uint64, h *Hop) uint64 {
	a := h.Addr.Addr().As16()
	x := mixed(seed ^ uint64(h.Addr.Port())<<8 ^ uint64(h.Transport))
	x = mixed(x ^ binary.BigEndian.Uint64(a[:8]))
	return mixed(x ^ binary.BigEndian.Uint64(a[8:]))
}

// mixed spreads the bits of a number (SplitMix64).
func mixed(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
