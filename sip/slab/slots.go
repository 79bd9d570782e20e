package slab

const slotsPerPage = 256 // of one of the first pages

// Slots are items of one kind, by a number that holds until Free. Number 0 is none. T holds no
// pointers. They are for one goroutine at a time.
type Slots[T any] struct{ pool pool[T] }

// Init comes before any other method.
func (s *Slots[T]) Init() {
	s.pool = newPool[T](1, slotsPerPage)
	s.pool.get() // number 0
}

// At is the item of a number in use.
func (s *Slots[T]) At(i uint32) *T {
	return &s.pool.pages[i>>itemBits].data[i&(1<<itemBits-1)]
}

// Has reports whether the page of i is there; what is at it may be free.
func (s *Slots[T]) Has(i uint32) bool {
	pg := int(i >> itemBits)
	return i != 0 && pg < len(s.pool.pages) && s.pool.pages[pg].data != nil
}

// Next is the first number above i that may be in use; 0: there is none. From 0 it comes by all
// that are.
func (s *Slots[T]) Next(i uint32) uint32 {
	i++
	pg, item := int(i>>itemBits), int(i&(1<<itemBits-1))
	for ; pg < len(s.pool.pages); pg, item = pg+1, 0 {
		if item < len(s.pool.pages[pg].data) {
			return uint32(pg<<itemBits | item)
		}
	}
	return 0
}

// Take gives out an item; it is zero.
func (s *Slots[T]) Take() (uint32, *T) {
	pg, item := s.pool.get()
	i := uint32(pg<<itemBits | item)
	return i, s.At(i)
}

// Free clears an item and takes it back.
func (s *Slots[T]) Free(i uint32) {
	var zero T
	*s.At(i) = zero
	s.pool.put(int(i>>itemBits), int(i&(1<<itemBits-1)))
}

// Live counts the items in use.
func (s *Slots[T]) Live() int { return s.pool.live - 1 }
