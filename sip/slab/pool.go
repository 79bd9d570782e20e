package slab

import (
	"fmt"
	"math/bits"
	"reflect"
)

// A pool hands out items of one kind from pages, the lowest page first, so
// that pages empty from the top after a peak. The first pages are small; those
// behind are larger, since what a collection costs is their number. An
// empty page is given back to the collector once another one is empty too:
// the one kept is what traffic at a page's edge would otherwise allocate and
// drop again and again.
//
// A collection looks at pages, never into them: newPool panics if a T holds a
// pointer.
type pool[T any] struct {
	stride int // Ts of an item
	items  int // of one of the first pages
	pages  []page[T]
	open   []uint64 // a bit a page: it has a free item, or isn't there
	empty  int      // pages there without an item in use
	live   int      // items in use
}

type page[T any] struct {
	data []T      // nil: not there
	free []uint16 // item numbers, last freed last
}

const (
	itemBits   = 11 // of a page and item in one number
	firstPages = 16
	larger     = 8 // times as many items has a page behind the first
)

// size is how many items a page has.
func (p *pool[T]) size(pg int) int {
	if pg < firstPages {
		return p.items
	}
	return min(larger*p.items, 1<<itemBits)
}

func newPool[T any](stride, items int) pool[T] {
	if t := reflect.TypeFor[T](); pointers(t) {
		panic(fmt.Sprintf("slab: a %v holds pointers", t))
	}
	return pool[T]{stride: stride, items: items}
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
	pg = p.lowest()
	g := &p.pages[pg]
	if g.data == nil {
		p.fill(g, p.size(pg))
	}
	if len(g.free) == p.size(pg) {
		p.empty--
	}
	item = int(g.free[len(g.free)-1])
	g.free = g.free[:len(g.free)-1]
	if len(g.free) == 0 {
		p.open[pg>>6] &^= 1 << (pg & 63)
	}
	p.live++
	return pg, item
}

func (p *pool[T]) put(pg, item int) {
	g := &p.pages[pg]
	g.free = append(g.free, uint16(item))
	p.open[pg>>6] |= 1 << (pg & 63)
	p.live--
	if len(g.free) < p.size(pg) {
		return
	}
	if p.empty > 0 {
		*g = page[T]{}
		return
	}
	p.empty++
}

// at is the item's memory.
func (p *pool[T]) at(pg, item int) []T {
	return p.pages[pg].data[item*p.stride : (item+1)*p.stride]
}

// lowest is the first page with room, made known if there is none.
func (p *pool[T]) lowest() int {
	for i, w := range p.open {
		if w != 0 {
			pg := i<<6 + bits.TrailingZeros64(w)
			for pg >= len(p.pages) {
				p.pages = append(p.pages, page[T]{})
			}
			return pg
		}
	}
	p.open = append(p.open, ^uint64(0))
	return p.lowest()
}

func (p *pool[T]) fill(g *page[T], size int) {
	g.data = make([]T, size*p.stride)
	g.free = make([]uint16, size)
	for i := range g.free {
		g.free[i] = uint16(size - 1 - i)
	}
	p.empty++
}
