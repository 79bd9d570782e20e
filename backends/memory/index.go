package memory

import "bytes"

// index finds the first record of an address of record: open addressing with linear probing, half
// a hash and the number of a record in each place, so that it grows and shrinks without a look at
// the records.
type index struct {
	places []uint64 // a power of two, or none
	used   int
}

const minPlaces = 16

func place(hash, first uint32) uint64 { return uint64(hash)<<32 | uint64(first) }

// find returns the place of an address of record and its first record; -1: it has none.
func (sh *shard) find(hash uint32, aor []byte) (at int, first uint32) {
	x := &sh.index
	if x.used == 0 {
		return -1, 0
	}
	mask := len(x.places) - 1
	for at = int(hash) & mask; x.places[at] != 0; at = (at + 1) & mask {
		p := x.places[at]
		if uint32(p>>32) == hash && bytes.Equal(sh.aorOf(sh.records.At(uint32(p))), aor) {
			return at, uint32(p)
		}
	}
	return -1, 0
}

// put adds an address of record that is not there.
func (x *index) put(hash, first uint32) {
	if 4*(x.used+1) > 3*len(x.places) {
		x.resize(max(minPlaces, 2*len(x.places)))
	}
	x.insert(place(hash, first))
	x.used++
}

func (x *index) insert(p uint64) {
	mask := len(x.places) - 1
	at := int(p>>32) & mask
	for x.places[at] != 0 {
		at = (at + 1) & mask
	}
	x.places[at] = p
}

// remove clears a place; those that had to go past it move up.
func (x *index) remove(at int) {
	mask := len(x.places) - 1
	hole := at
	for next := (hole + 1) & mask; x.places[next] != 0; next = (next + 1) & mask {
		home := int(x.places[next]>>32) & mask
		if (next-home)&mask >= (next-hole)&mask {
			x.places[hole] = x.places[next]
			hole = next
		}
	}
	x.places[hole] = 0
	x.used--
	if len(x.places) > minPlaces && 8*x.used < len(x.places) {
		x.resize(len(x.places) / 2)
	}
}

func (x *index) resize(n int) {
	old := x.places
	x.places = make([]uint64, n)
	for _, p := range old {
		if p != 0 {
			x.insert(p)
		}
	}
}
