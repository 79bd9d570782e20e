package slab

import (
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"slices"
)

// A pool hands out items of one kind from pages, the lowest page first, so
// that pages empty from the top after a peak. The first pages are small; those
// behind are larger, since what a collection costs is their number. Of the
// empty pages some are kept, which traffic would otherwise allocate and drop
// again and again (spare); the others are given back to the collector, the
// highest first.
//
// A collection looks at pages, never into them: newPool panics if a T holds a
// pointer.
type pool[T any] struct {
	stride int // Ts of an item
	items  int // of one of the first pages
	first  int // pages of that size
	pages  []page[T]
	open   pageSet // pages that have a free item
	idle   pageSet // of these, pages without an item in use
	gone   pageSet // numbers of pages that aren't there
	empty  int     // pages in idle
	live   int     // items in use
}

type page[T any] struct {
	data []T      // nil: not there
	free []uint16 // item numbers, last freed last
}

const (
	itemBits   = 11 // of a page and item in one number
	firstPages = 16
	firstAlone = 4096 // first pages, where a page is one item
	larger     = 8    // times as many items has a page behind the first
)

// size is how many items a page has.
func (p *pool[T]) size(pg int) int {
	if pg < p.first {
		return p.items
	}
	return min(larger*p.items, 1<<itemBits)
}

// spare is how many empty pages like this are kept: one, and as many as the number of items in use
// swings by under a steady load, which is its square root.
func (p *pool[T]) spare(pg int) int {
	return 1 + int(math.Sqrt(float64(p.live)))/p.size(pg)
}

func newPool[T any](stride, items int) pool[T] {
	if t := reflect.TypeFor[T](); pointers(t) {
		panic(fmt.Sprintf("slab: a %v holds pointers", t))
	}
	p := pool[T]{stride: stride, items: items, first: firstPages}
	if items == 1 {
		p.first = firstAlone
	}
	return p
}

// pointers reports whether the collector has to look into a t.
func pointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if pointers(t.Field(i).Type) {
				return true
			}
		}
		return false
	case reflect.Array:
		return pointers(t.Elem())
	}
	return t.Kind() < reflect.Bool || t.Kind() > reflect.Complex128
}

// get returns the place of a free item. What is in it is what its last user
// left.
func (p *pool[T]) get() (pg, item int) {
	if pg = p.open.lowest(); pg < 0 {
		pg = p.fill()
	}
	g := &p.pages[pg]
	if len(g.free) == p.size(pg) {
		p.idle.remove(pg)
		p.empty--
	}
	item = int(g.free[len(g.free)-1])
	g.free = g.free[:len(g.free)-1]
	if len(g.free) == 0 {
		p.open.remove(pg)
	}
	p.live++
	return pg, item
}

func (p *pool[T]) put(pg, item int) {
	g := &p.pages[pg]
	g.free = append(g.free, uint16(item))
	p.open.add(pg)
	p.live--
	if len(g.free) < p.size(pg) {
		return
	}
	p.idle.add(pg)
	p.empty++
	for pg = p.idle.highest(); p.empty > p.spare(pg); pg = p.idle.highest() {
		p.drop(pg)
	}
}

// at is the item's memory.
func (p *pool[T]) at(pg, item int) []T {
	return p.pages[pg].data[item*p.stride : (item+1)*p.stride]
}

// fill makes the lowest page that isn't there.
func (p *pool[T]) fill() int {
	pg := p.gone.lowest()
	if pg < 0 {
		pg = len(p.pages)
		p.pages = append(p.pages, page[T]{})
	} else {
		p.gone.remove(pg)
	}
	g, size := &p.pages[pg], p.size(pg)
	g.data = make([]T, size*p.stride)
	g.free = make([]uint16, size)
	for i := range g.free {
		g.free[i] = uint16(size - 1 - i)
	}
	p.open.add(pg)
	p.idle.add(pg)
	p.empty++
	return pg
}

// drop gives an empty page back.
func (p *pool[T]) drop(pg int) {
	p.pages[pg] = page[T]{}
	p.open.remove(pg)
	p.idle.remove(pg)
	p.gone.add(pg)
	p.empty--
}

// A pageSet is a set of page numbers, a bit each.
type pageSet []uint64

func (s *pageSet) add(pg int) {
	for pg>>6 >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[pg>>6] |= 1 << (pg & 63)
}

func (s pageSet) remove(pg int) { s[pg>>6] &^= 1 << (pg & 63) }

// lowest is -1 if there is none.
func (s pageSet) lowest() int {
	for i, w := range s {
		if w != 0 {
			return i<<6 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// highest is -1 if there is none.
func (s pageSet) highest() int {
	for i, w := range slices.Backward(s) {
		if w != 0 {
			return i<<6 + bits.Len64(w) - 1
		}
	}
	return -1
}
