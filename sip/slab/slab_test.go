package slab

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// Buffers against a map of copies: what is kept stays as it was until it is
// freed, and memory goes back after a peak.
func TestBuffers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Buffers
		b.Init()
		kept := map[Piece][]byte{}
		for n := range rapid.IntRange(1, 300).Draw(t, "steps") {
			if rapid.IntRange(0, 2).Draw(t, "keep") > 0 {
				size := rapid.OneOf(
					rapid.IntRange(0, 1600), rapid.SampledFrom(classSizes[:]), rapid.IntRange(1, MaxText),
				).Draw(t, "size")
				data := bytes.Repeat([]byte{byte(n)}, size)
				p := b.Keep(data)
				if _, double := kept[p]; double || p.handle == 0 {
					t.Fatalf("handle %x given out twice", p.handle)
				}
				kept[p] = data
			} else {
				for p := range kept {
					delete(kept, p)
					b.Free(&p)
					if p != (Piece{}) {
						t.Fatal("free leaves the piece")
					}
					break
				}
			}
			for p, want := range kept {
				if !bytes.Equal(b.Bytes(p), want) {
					t.Fatalf("piece %x changed", p.handle)
				}
			}
			if b.Live() != len(kept) {
				t.Fatalf("%d live, want %d", b.Live(), len(kept))
			}
		}
		for p := range kept {
			b.Free(&p)
		}
		for c := range b.class {
			if there := pagesThere(&b.class[c]); there > 1 {
				t.Fatalf("class %d keeps %d pages of nothing", classSizes[c], there)
			}
		}
	})
}

func pagesThere[T any](p *pool[T]) (n int) {
	for i := range p.pages {
		if p.pages[i].data != nil {
			n++
		}
	}
	return n
}

type item struct{ n uint64 }

func TestPoolGivesPagesBack(t *testing.T) {
	var s Slots[item]
	s.Init()
	const many = 10 * slotsPerPage
	var ids []uint32
	for range many {
		i, p := s.Take()
		p.n = uint64(i)
		ids = append(ids, i)
	}
	if got := s.Live(); got != many {
		t.Fatalf("%d live, want %d", got, many)
	}
	for _, i := range ids {
		if s.At(i).n != uint64(i) {
			t.Fatalf("item %d is another", i)
		}
		s.Free(i)
	}
	if got := pagesThere(&s.pool); got > 2 { // that of index 0 and a spare
		t.Errorf("%d pages for no slots", got)
	}
	if s.Has(ids[many-1]) {
		t.Error("the last page is still there")
	}
	for range many {
		i, p := s.Take()
		if i == 0 || *p != (item{}) {
			t.Fatalf("item %d not clean: %+v", i, *p)
		}
	}
}
