package directory

import (
	"hash/maphash"
	"strings"
)

// Of is a directory of things. It is immutable and safe for concurrent use; the
// zero Of is empty.
//
// A map would do, but reads several places to say that a text is not in it, far
// away in memory when there are many. Here the slots, eight bytes each, lie
// together, and so do the texts.
type Of[T any] struct {
	slots   []uint64 // open addressing: half a hash and the number of an entry plus one; 0 free
	entries []entry[T]
}

type entry[T any] struct {
	text  string
	thing T
}

var seed = maphash.MakeSeed()

// Make makes a directory of a thing for each of the texts; of two alike the first is found.
func Make[T any](texts []string, thing func(text string) T) Of[T] {
	size := 2
	for size < len(texts)+len(texts)/2 {
		size *= 2
	}
	d := Of[T]{make([]uint64, size), make([]entry[T], len(texts))}
	all := strings.Join(texts, "")
	for i, text := range texts {
		d.entries[i] = entry[T]{all[:len(text)], thing(text)}
		all = all[len(text):]
		hash := maphash.String(seed, text)
		slot := hash & uint64(size-1)
		for d.slots[slot] != 0 {
			slot = (slot + 1) & uint64(size-1)
		}
		d.slots[slot] = hash>>32<<32 | uint64(i+1)
	}
	return d
}

// Find is the thing of a text, not to be changed; nil if there is none.
func (d *Of[T]) Find(text []byte) *T {
	if len(d.slots) == 0 {
		return nil
	}
	mask := uint64(len(d.slots) - 1)
	hash := maphash.Bytes(seed, text)
	for slot := hash & mask; d.slots[slot] != 0; slot = (slot + 1) & mask {
		s := d.slots[slot]
		if s>>32 != hash>>32 {
			continue
		}
		if e := &d.entries[uint32(s)-1]; e.text == string(text) {
			return &e.thing
		}
	}
	return nil
}

// All yields each text with its thing, in the order of the texts.
func (d *Of[T]) All(yield func(text string, thing *T) bool) {
	for i := range d.entries {
		if !yield(d.entries[i].text, &d.entries[i].thing) {
			return
		}
	}
}
