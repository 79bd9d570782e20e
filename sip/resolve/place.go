package resolve

// place is one server of a name with its addresses, in order of preference. Places are sorted
// by rank: lower first; of the same rank one is drawn by weight.
type place struct {
	rank   uint32
	weight uint16
	hops   []Hop
}

// draw appends the hops of places, as Query.Seed says.
func (r *Resolver) draw(dst []Hop, places []place, seed uint64) []Hop {
	for len(places) > 0 {
		n := 1
		for n < len(places) && places[n].rank == places[0].rank {
			n++
		}
		switch {
		case seed != 0:
			dst = drawBySeed(dst, places[:n], seed)
		case n == 1:
			dst = append(dst, places[0].hops...)
		default:
			dst = r.drawGroup(dst, places[:n])
		}
		places = places[n:]
	}
	return dst
}

// drawGroup appends the hops of places of one rank in an order by their weights, RFC 2782: one is
// the next with a chance of its weight in the sum of those left. All without weight have together
// the chance of one more, each the same.
func (r *Resolver) drawGroup(dst []Hop, group []place) []Hop {
	var taken [maxServers]bool
	for range group {
		var zeros, sum uint64
		for i := range group {
			switch {
			case taken[i]:
			case group[i].weight == 0:
				zeros++
			default:
				sum += uint64(group[i].weight)
			}
		}
		share := max(zeros, 1) // of a weight of one
		at := r.cfg.Rand(sum*share + zeros)
		for i := range group {
			if taken[i] {
				continue
			}
			part := uint64(group[i].weight) * share
			if group[i].weight == 0 {
				part = 1
			}
			if at < part {
				dst, taken[i] = append(dst, group[i].hops...), true
				break
			}
			at -= part
		}
	}
	return dst
}
