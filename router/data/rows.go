package data

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
)

// rows are keys with their values, in the order they were given. There is no
// pointer in them for a collector to follow: texts stand one behind the other.
type rows struct {
	text    []byte
	entries []entry
	slots   []uint64 // open addressing: half a hash and the number of an entry plus one; 0 free
}

// entry is a row: where its key begins, and the lengths; the value follows.
type entry struct {
	at       uint32
	key, val uint32
}

// seed is of this process: nobody can choose keys that collide.
var seed = maphash.MakeSeed()

var (
	errText = errors.New("more than 4 GiB of text")
	errRows = errors.New("more than 100,000,000 rows")
)

// maxRows bounds the memory of one table.
const maxRows = 100_000_000

// newRows makes room for about n rows. Their text is written over buf, which may
// be the very file the rows are read from: a row is no longer than its line.
func newRows(n int, buf []byte) *rows {
	r := &rows{text: buf[:0], entries: make([]entry, 0, n)}
	r.grow(n)
	return r
}

func (r *rows) grow(n int) {
	size := 16
	for size < 2*n {
		size *= 2
	}
	r.slots = make([]uint64, size)
	for i := range r.entries {
		h := maphash.Bytes(seed, r.key(i))
		_, slot := r.probe(r.key(i), h)
		r.slots[slot] = h>>32<<32 | uint64(i+1)
	}
}

// probe finds the row with a key, or -1, and the slot it is in or would be.
func (r *rows) probe(key []byte, hash uint64) (row int, slot uint64) {
	mask := uint64(len(r.slots) - 1)
	for slot = hash & mask; r.slots[slot] != 0; slot = (slot + 1) & mask {
		if s := r.slots[slot]; s>>32 == hash>>32 {
			if i := int(uint32(s)) - 1; bytes.Equal(r.key(i), key) {
				return i, slot
			}
		}
	}
	return -1, slot
}

func (r *rows) key(i int) []byte {
	e := &r.entries[i]
	return r.text[e.at : e.at+e.key]
}

func (r *rows) value(i int) []byte {
	e := &r.entries[i]
	from := e.at + e.key
	return r.text[from : from+e.val]
}

// find is the number of the row with a key, or -1.
func (r *rows) find(key []byte) int {
	row, _ := r.probe(key, maphash.Bytes(seed, key))
	return row
}

// add puts a row in. The same row twice is one; a key with two values is an error.
func (r *rows) add(key, value []byte) error {
	hash := maphash.Bytes(seed, key)
	i, slot := r.probe(key, hash)
	if i >= 0 {
		if bytes.Equal(r.value(i), value) {
			return nil
		}
		return fmt.Errorf("%q has two values: %q and %q", key, r.value(i), value)
	}
	switch {
	case len(r.text)+len(key)+len(value) > math.MaxUint32:
		return errText
	case len(r.entries) == maxRows:
		return errRows
	case 2*len(r.entries) >= len(r.slots):
		r.grow(len(r.slots))
		_, slot = r.probe(key, hash)
	}
	r.slots[slot] = hash>>32<<32 | uint64(len(r.entries)+1)
	r.entries = append(r.entries, entry{
		uint32(len(r.text)), uint32(len(key)), uint32(len(value)),
	})
	r.text = append(append(r.text, key...), value...)
	return nil
}

// equal reports whether r has the same rows as o, in the same order.
func (r *rows) equal(o *rows) bool {
	return bytes.Equal(r.text, o.text) && slices.Equal(r.entries, o.entries)
}
