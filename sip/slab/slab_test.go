package slab

import (
	"bytes"
	"math"
	"strconv"
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

// Under a steady load of large texts none is given a page that was not used before, however they
// come and go; and after a peak pages go back as texts go.
func TestLargeTexts(t *testing.T) {
	for _, size := range []int{8000, 16_000, 40_000, MaxText} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			var b Buffers
			b.Init()
			c := 0
			for classSizes[c] < size {
				c++
			}
			p := &b.class[c]
			const many = 1000
			var all []Piece
			for range many {
				piece, _ := b.Take(size)
				all = append(all, piece)
			}
			used := map[*byte]bool{}
			for i := range p.pages {
				used[&p.pages[i].data[0]] = true
			}
			for n := range 100 {
				swing := 1 + n%30 // up to the square root of many
				for i := range all[:swing] {
					b.Free(&all[i])
				}
				all = all[:copy(all, all[swing:])]
				for range swing {
					piece, _ := b.Take(size)
					all = append(all, piece)
				}
			}
			for i := range p.pages {
				if g := &p.pages[i]; g.data != nil && !used[&g.data[0]] {
					t.Fatalf("page %d is another", i)
				}
			}
			for left := many - 1; left >= 0; left-- {
				b.Free(&all[left])
				swing := int(math.Sqrt(float64(left)))
				if there := pagesThere(p); there > left+swing+1 {
					t.Fatalf("%d pages for %d texts", there, left)
				}
			}
			if there := pagesThere(p); there != 1 {
				t.Errorf("%d pages for no texts", there)
			}
		})
	}
}

// A handle names the class, the page and the item, of the last of each too.
func TestPieceNames(t *testing.T) {
	if len(classSizes) >= 1<<(32-classFrom) {
		t.Errorf("%d classes", len(classSizes))
	}
	const pg, item = 1<<pageBits - 1, 1<<itemBits - 1
	p := Piece{handle: uint32(len(classSizes))<<classFrom | pg<<itemBits | item}
	if c, g, i := p.split(); c != len(classSizes)-1 || g != pg || i != item {
		t.Errorf("class %d, page %d, item %d", c, g, i)
	}
}

type item struct{ n uint64 }

func TestPoolGivesPagesBack(t *testing.T) {
	var s Slots[item]
	s.Init()
	const many = 100 * slotsPerPage
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

// Shared against a map: an item's number stands for its value, whoever else comes and goes,
// and nothing is left of values nobody has.
func TestShared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Shared[string]
		numbers, values := [20]uint32{}, [20]string{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			i := rapid.IntRange(0, 19).Draw(t, "item")
			if v := rapid.SampledFrom([]string{"", "a", "b", "c", "d"}).Draw(t, "value"); v == "" {
				s.Drop(numbers[i])
				numbers[i], values[i] = 0, ""
			} else {
				numbers[i], values[i] = s.Keep(numbers[i], v), v
			}
			users := 0
			for i, n := range numbers {
				if n != 0 {
					users++
					if s.At(n) != values[i] {
						t.Fatalf("item %d has %q, want %q", i, s.At(n), values[i])
					}
				}
			}
			if s.Users() != users || len(s.values) > 5 {
				t.Fatalf("%d users of %d values, want %d", s.Users(), len(s.values), users)
			}
		}
		for _, n := range numbers {
			s.Drop(n)
		}
		for _, v := range s.values {
			if v.value != "" {
				t.Fatalf("%q is left", v.value)
			}
		}
	})
}

func TestSeats(t *testing.T) {
	var s Seats[int, uint64, int]
	s.Init()
	words := map[uint64]uint64{}
	for n := range uint64(5000) {
		a := int(n)
		word := s.Take(&a)
		sh, st := s.Lock(word)
		if st == nil || !st.Busy || *sh.Awake(st) != a {
			t.Fatalf("seat %d is not there", n)
		}
		if st.Rest = n; n%3 > 0 {
			sh.Dismiss(st)
		}
		sh.Unlock()
		if _, double := words[word]; double || word == 0 {
			t.Fatalf("word %x twice", word)
		}
		words[word] = n
	}
	if seats, _, awake, _ := s.Count(); seats != 5000 || awake != 1667 {
		t.Errorf("%d seats, %d awake", seats, awake)
	}
	for word, n := range words {
		sh, st := s.Lock(word)
		if st == nil || st.Rest != n {
			t.Fatalf("seat %d is another's", n)
		}
		sh.Free(word)
		sh.Unlock()
		sh, st = s.Lock(word)
		sh.Unlock()
		if st != nil {
			t.Fatalf("seat %d is still there", n)
		}
	}
	if seats, _, awake, _ := s.Count(); seats != 0 || awake != 0 {
		t.Errorf("%d seats, %d awake are left", seats, awake)
	}
}

func TestHandle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.Uint32().Draw(t, "gen")
		shard := rapid.Uint32Range(0, Shards-1).Draw(t, "shard")
		i := rapid.Uint32Range(0, 1<<slotBits-1).Draw(t, "number")
		g, s, j := SplitHandle(Handle(gen, shard, i))
		if g != gen || s != shard || j != i {
			t.Fatalf("%x %x %x became %x %x %x", gen, shard, i, g, s, j)
		}
	})
}

// What the collector would have to look into is refused at the start.
func TestNoPointers(t *testing.T) {
	refused := func(init func()) (is bool) {
		defer func() { is = recover() != nil }()
		init()
		return false
	}
	for name, init := range map[string]func(){
		"string":    func() { new(Slots[string]).Init() },
		"in struct": func() { new(Slots[struct{ a [2]struct{ p *int } }]).Init() },
		"slice":     func() { new(Slots[[]byte]).Init() },
		"map":       func() { new(Slots[map[int]int]).Init() },
		"interface": func() { new(Slots[any]).Init() },
		"func":      func() { new(Slots[func()]).Init() },
	} {
		if !refused(init) {
			t.Errorf("%s is taken", name)
		}
	}
	if refused(func() { new(Slots[struct{ a [3]struct{ n uint8 } }]).Init() }) {
		t.Error("a struct without pointers is refused")
	}
}
