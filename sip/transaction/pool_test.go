package transaction

import (
	"bytes"
	"reflect"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// Buffers against a map of copies: what is kept stays as it was until it is
// freed, and memory goes back after a peak.
func TestBuffers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b buffers
		b.init()
		kept := map[piece][]byte{}
		for n := range rapid.IntRange(1, 300).Draw(t, "steps") {
			if rapid.IntRange(0, 2).Draw(t, "keep") > 0 {
				size := rapid.OneOf(
					rapid.IntRange(0, 1600), rapid.SampledFrom(classSizes[:]), rapid.IntRange(1, maxBuffer),
				).Draw(t, "size")
				data := bytes.Repeat([]byte{byte(n)}, size)
				p := b.keep(data)
				if _, double := kept[p]; double || p.handle == 0 {
					t.Fatalf("handle %x given out twice", p.handle)
				}
				kept[p] = data
			} else {
				for p := range kept {
					delete(kept, p)
					b.free(&p)
					if p != (piece{}) {
						t.Fatal("free leaves the piece")
					}
					break
				}
			}
			for p, want := range kept {
				if !bytes.Equal(b.bytes(p), want) {
					t.Fatalf("piece %x changed", p.handle)
				}
			}
			if b.live() != len(kept) {
				t.Fatalf("%d live, want %d", b.live(), len(kept))
			}
		}
		for p := range kept {
			b.free(&p)
		}
		for c := range b.class {
			if there := pagesThere(&b.class[c]); there > 1 {
				t.Fatalf("class %d keeps %d pages of nothing", classSizes[c], there)
			}
		}
	})
}

func (b *buffers) live() (n int) {
	for i := range b.class {
		n += b.class[i].live
	}
	return n
}

func (s *slots) live() int { return s.pool.live - 1 } // but for index 0

func pagesThere[T any](p *pool[T]) (n int) {
	for i := range p.pages {
		if p.pages[i].data != nil {
			n++
		}
	}
	return n
}

func TestPoolGivesPagesBack(t *testing.T) {
	var s slots
	s.init()
	const many = 10 * slotsPerPage
	var ids []uint32
	for range many {
		i, _ := s.make(1)
		ids = append(ids, i)
	}
	if got := s.live(); got != many {
		t.Fatalf("%d live, want %d", got, many)
	}
	for _, i := range ids {
		s.free(i)
	}
	if got := pagesThere(&s.pool); got > 2 { // that of index 0 and a spare
		t.Errorf("%d pages for no slots", got)
	}
	if s.has(ids[many-1]) {
		t.Error("the last page is still there")
	}
	for range many {
		i, p := s.make(2)
		if i == 0 || *p != (slot{gen: 2, resend: never, end: never}) {
			t.Fatalf("slot %d not clean: %+v", i, *p)
		}
	}
}

func TestSlotSize(t *testing.T) {
	if got := unsafe.Sizeof(slot{}); got != 128 {
		t.Errorf("a slot is %d bytes, want two cache lines", got)
	}
}

// The collector finds nothing to scan in a page of slots.
func TestSlotHasNoPointers(t *testing.T) {
	var check func(name string, typ reflect.Type)
	check = func(name string, typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Struct:
			for i := range typ.NumField() {
				check(name+"."+typ.Field(i).Name, typ.Field(i).Type)
			}
		case reflect.Array:
			check(name+"[]", typ.Elem())
		case reflect.Pointer, reflect.Slice, reflect.String, reflect.Map, reflect.Interface,
			reflect.Func, reflect.Chan, reflect.UnsafePointer:
			t.Errorf("%s is a %v", name, typ)
		}
	}
	check("slot", reflect.TypeFor[slot]())
}

func TestHandle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.Uint32().Draw(t, "gen")
		shard := rapid.Uint32Range(0, shards-1).Draw(t, "shard")
		i := rapid.Uint32Range(0, maxSlot).Draw(t, "slot")
		g, s, j := splitHandle(packHandle(gen, shard, i))
		if g != gen || s != shard || j != i {
			t.Fatalf("%x %x %x became %x %x %x", gen, shard, i, g, s, j)
		}
	})
}
