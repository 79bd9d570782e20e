package slab

// Shared numbers values that many items have: an item without pointers keeps the number. The
// zero Shared is ready. It is for one goroutine at a time.
type Shared[T comparable] struct {
	numbers map[T]uint32 // from 1
	values  []shared[T]
	free    []uint32
}

type shared[T comparable] struct {
	value T
	users int
}

// At is the value of a number in use.
func (s *Shared[T]) At(i uint32) T { return s.values[i-1].value }

// Keep returns the number of v for an item that had number old before; 0: none.
func (s *Shared[T]) Keep(old uint32, v T) uint32 {
	if old != 0 && s.values[old-1].value == v {
		return old
	}
	i := s.numbers[v]
	if i == 0 {
		i = s.add(v)
	}
	s.values[i-1].users++
	s.Drop(old)
	return i
}

func (s *Shared[T]) add(v T) uint32 {
	if s.numbers == nil {
		s.numbers = map[T]uint32{}
	}
	var i uint32
	if n := len(s.free); n > 0 {
		i, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.values = append(s.values, shared[T]{})
		i = uint32(len(s.values))
	}
	s.values[i-1].value = v
	s.numbers[v] = i
	return i
}

// Drop says that an item with number i is no more; 0: it had none. A value nobody has is
// forgotten.
func (s *Shared[T]) Drop(i uint32) {
	if i == 0 {
		return
	}
	p := &s.values[i-1]
	if p.users--; p.users == 0 {
		delete(s.numbers, p.value)
		*p = shared[T]{}
		s.free = append(s.free, i)
	}
}

// Users counts the items that have a number.
func (s *Shared[T]) Users() (n int) {
	for i := range s.values {
		n += s.values[i].users
	}
	return n
}
