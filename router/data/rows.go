package data

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
)

// rows are keys with their values, in the order they were given. There is no
// pointer in them for a collector to follow: texts stand one behind the other.
type rows struct {
	text    []byte
	entries []entry
	slots   []uint32 // open addressing: number of an entry plus one, 0 free
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
	r.slots = make([]uint32, size)
	for i := range r.entries {
		r.slots[r.free(r.key(i))] = uint32(i) + 1
	}
}

// free is the slot of a key that is not there yet.
func (r *rows) free(key []byte) uint64 {
	mask := uint64(len(r.slots) - 1)
	s := maphash.Bytes(seed, key) & mask
	for r.slots[s] != 0 {
		s = (s + 1) & mask
	}
	return s
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
	mask := uint64(len(r.slots) - 1)
	for s := maphash.Bytes(seed, key) & mask; r.slots[s] != 0; s = (s + 1) & mask {
		if i := int(r.slots[s] - 1); bytes.Equal(r.key(i), key) {
			return i
		}
	}
	return -1
}

// add puts a row in. The same row twice is one; a key with two values is an error.
func (r *rows) add(key, value []byte) error {
	if i := r.find(key); i >= 0 {
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
	}
	r.slots[r.free(key)] = uint32(len(r.entries)) + 1
	r.entries = append(r.entries, entry{
		uint32(len(r.text)), uint32(len(key)), uint32(len(value)),
	})
	r.text = append(append(r.text, key...), value...)
	return nil
}
