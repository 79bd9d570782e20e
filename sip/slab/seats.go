package slab

import (
	"sync"
	"sync/atomic"
)

// Seats are of a kind of thing of which there are many and few are at work: one at work is an A;
// one at rest is an R, which has no pointers, in its seat, with a text and a V it shares with
// others. Each has a word, a Handle, so that the word of one that ended names none. It is safe
// for concurrent use: what is in a Shard is guarded by its lock.
type Seats[A, R any, V comparable] struct {
	turn  atomic.Uint32 // shard of the next one
	shard [Shards]Shard[A, R, V]
}

// A Shard is a part of the seats under one lock.
type Shard[A, R any, V comparable] struct {
	sync.Mutex
	Texts  Buffers
	Values Shared[V]
	gen    uint32
	seats  Slots[Seat[R]]
	awake  []*A     // by number; 0 is none
	vacant []uint32 // numbers not in use
	_      [64]byte // neighbours' locks keep off each other's cache line
}

// A Seat is what is always there.
type Seat[R any] struct {
	gen   uint32 // of the word; 0: free
	awake uint32 // number in Shard.awake; 0: it rests
	Busy  bool   // for the user to set
	Rest  R
}

// Init comes before any other method.
func (s *Seats[A, R, V]) Init() {
	for i := range s.shard {
		sh := &s.shard[i]
		sh.seats.Init()
		sh.Texts.Init()
		sh.awake = make([]*A, 1)
	}
}

// Take makes a seat for a, which is awake and busy, and returns its word.
func (s *Seats[A, R, V]) Take(a *A) uint64 {
	n := s.turn.Add(1) % Shards
	sh := &s.shard[n]
	sh.Lock()
	defer sh.Unlock()
	i, st := sh.seats.Take()
	if sh.gen++; sh.gen == 0 {
		sh.gen = 1
	}
	st.gen, st.Busy = sh.gen, true
	sh.Rouse(st, a)
	return Handle(st.gen, n, i)
}

// Lock locks the shard of a word and returns its seat, nil if that has ended.
func (s *Seats[A, R, V]) Lock(word uint64) (*Shard[A, R, V], *Seat[R]) {
	gen, n, i := SplitHandle(word)
	sh := &s.shard[n]
	sh.Lock()
	if gen != 0 && sh.seats.Has(i) {
		if st := sh.seats.At(i); st.gen == gen {
			return sh, st
		}
	}
	return sh, nil
}

// Awake is what a seat's owner is at work in; nil: it rests.
func (sh *Shard[A, R, V]) Awake(st *Seat[R]) *A { return sh.awake[st.awake] }

// Rouse says that a is what the owner of a seat is at work in.
func (sh *Shard[A, R, V]) Rouse(st *Seat[R], a *A) {
	if n := len(sh.vacant); n > 0 {
		st.awake = sh.vacant[n-1]
		sh.vacant = sh.vacant[:n-1]
		sh.awake[st.awake] = a
		return
	}
	st.awake = uint32(len(sh.awake))
	sh.awake = append(sh.awake, a)
}

// Dismiss says that the owner of a seat is at rest.
func (sh *Shard[A, R, V]) Dismiss(st *Seat[R]) {
	if st.awake != 0 {
		sh.awake[st.awake] = nil
		sh.vacant = append(sh.vacant, st.awake)
		st.awake = 0
	}
}

// Free ends the seat of a word.
func (sh *Shard[A, R, V]) Free(word uint64) {
	_, _, i := SplitHandle(word)
	sh.Dismiss(sh.seats.At(i))
	sh.seats.Free(i)
}

// Count is how many seats, texts, things at work and users of values there are.
func (s *Seats[A, R, V]) Count() (seats, texts, awake, users int) {
	for i := range s.shard {
		sh := &s.shard[i]
		sh.Lock()
		seats += sh.seats.Live()
		texts += sh.Texts.Live()
		awake += len(sh.awake) - 1 - len(sh.vacant)
		users += sh.Values.Users()
		sh.Unlock()
	}
	return seats, texts, awake, users
}
