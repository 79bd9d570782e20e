package slab

// Shared numbers values of which there are few, and of which many items have the same one: an
// item without pointers keeps the number. They are for one goroutine at a time.
type Shared[T comparable] struct {
	values []T
	users  []int
}

// At is the value of a number in use.
func (s *Shared[T]) At(i uint32) T { return s.values[i-1] }

// Keep returns the number of v for an item that had number old before; 0: none.
func (s *Shared[T]) Keep(old uint32, v T) uint32 {
	if old != 0 && s.values[old-1] == v {
		return old
	}
	s.Drop(old)
	free := -1
	for i, n := range s.users {
		switch {
		case n == 0:
			free = i
		case s.values[i] == v:
			s.users[i]++
			return uint32(i + 1)
		}
	}
	if free < 0 {
		free = len(s.users)
		s.values, s.users = append(s.values, v), append(s.users, 0)
	}
	s.values[free], s.users[free] = v, 1
	return uint32(free + 1)
}

// Drop says that an item with number i is no more. A value nobody has is forgotten.
func (s *Shared[T]) Drop(i uint32) {
	if i == 0 {
		return
	}
	if s.users[i-1]--; s.users[i-1] == 0 {
		var zero T
		s.values[i-1] = zero
	}
}

// Users counts the items that have a number.
func (s *Shared[T]) Users() (n int) {
	for _, u := range s.users {
		n += u
	}
	return n
}
