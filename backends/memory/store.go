package memory

import (
	"context"
	"crypto/rand"
	"errors"
	randv2 "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/backends"
	"sipedge/sip/siphash"
	"sipedge/sip/slab"
)

// ErrTooLong is of a binding with more text than backends.MaxBindingText.
var ErrTooLong = errors.New("binding too long")

// Store keeps bindings in shards, by a keyed hash of the address of record. It never waits.
type Store struct {
	names backends.Names
	key   siphash.Key // strangers choose addresses of record
	shard [slab.Shards]shard
	sets  sync.Pool // *backends.Set

	mu       sync.Mutex // of changes of watchers
	watchers atomic.Pointer[[]func(backends.Event)]
}

var _ backends.Locations = (*Store)(nil)

type shard struct {
	sync.Mutex
	records slab.Slots[record]
	texts   slab.Buffers
	phrases phrases
	index   index
	wheel   wheel
	told    backends.Binding // what watchers and who scans are shown
	_       [64]byte         // neighbours' locks keep off each other's cache line
}

// New makes an empty store.
func New(names backends.Names) *Store {
	var key [16]byte
	_, _ = rand.Read(key[:]) // it never returns an error
	s := &Store{names: names, key: siphash.NewKey(key[:])}
	s.sets.New = func() any { return new(backends.Set) }
	for i := range s.shard {
		s.shard[i].records.Init()
		s.shard[i].texts.Init()
	}
	return s
}

// Ping and Close are backends.Backend's.
func (s *Store) Ping(context.Context) error { return nil }
func (s *Store) Close() error               { return nil }

// Traits is backends.Locations'.
func (s *Store) Traits() backends.Traits { return backends.Traits{Names: s.names} }

// of returns the shard of an address of record and the part of the hash its index goes by.
func (s *Store) of(aor []byte) (*shard, uint32) {
	h := s.key.Start()
	h.Field(aor)
	sum := h.Sum()
	return &s.shard[sum>>(64-slab.ShardBits)], uint32(sum)
}

// Lookup is backends.Locations'. It allocates nothing in a set that was used before.
func (s *Store) Lookup(
	_ context.Context, aor []byte, now time.Time, set *backends.Set,
) error {
	set.Reset()
	ms := now.UnixMilli()
	sh, hash := s.of(aor)
	sh.Lock()
	defer sh.Unlock()
	_, i := sh.find(hash, aor)
	for i != 0 {
		r := sh.records.At(i)
		if r.expires > ms {
			var b backends.Binding
			sh.read(r, &b)
			set.Add(&b)
		}
		i = r.next
	}
	return nil
}

// Update is backends.Locations'. A refresh that changes no text allocates nothing.
func (s *Store) Update(
	_ context.Context, aor []byte, now time.Time, c backends.Change,
) error {
	set := s.sets.Get().(*backends.Set)
	set.Reset()
	defer s.sets.Put(set)
	ms := now.UnixMilli()
	sh, hash := s.of(aor)
	sh.Lock()
	defer sh.Unlock()
	_, first := sh.find(hash, aor)
	for i := first; i != 0; {
		r := sh.records.At(i)
		if r.expires > ms {
			set.Bindings = append(set.Bindings, backends.Binding{})
			sh.read(r, &set.Bindings[len(set.Bindings)-1])
		}
		i = r.next
	}
	if !c.Apply(set) {
		return nil
	}
	for i := range set.Bindings {
		if set.Bindings[i].Len()+len(aor) > backends.MaxBindingText {
			return ErrTooLong
		}
	}
	s.store(sh, hash, aor, set.Bindings, now)
	return nil
}

// store makes the bindings of an address of record those of want. What is new is written before
// what is gone is cleared, since texts of want may stand in it.
func (s *Store) store(
	sh *shard, hash uint32, aor []byte, want []backends.Binding, now time.Time,
) {
	ms := now.UnixMilli()
	_, first := sh.find(hash, aor)
	last := uint32(0)
	for i := first; i != 0; i = sh.records.At(i).next {
		r := sh.records.At(i)
		last = i
		n := indexOf(want, r.id)
		if n < 0 || r.expires <= ms {
			continue
		}
		sh.write(r, aor, &want[n])
		sh.sooner(i, r)
		s.tell(sh, backends.Updated, r)
	}
	for n := range want {
		if want[n].ID == 0 {
			want[n].ID = newID()
		} else if sh.lives(first, want[n].ID, ms) {
			continue
		}
		i, r := sh.records.Take()
		r.id = want[n].ID
		sh.write(r, aor, &want[n])
		sh.hang(i, r, now.Unix())
		if last == 0 {
			sh.index.put(hash, i)
		} else {
			sh.records.At(last).next = i
		}
		last = i
		s.tell(sh, backends.Inserted, r)
	}
	for i := first; i != 0; {
		r := sh.records.At(i)
		next := r.next
		switch {
		case r.expires <= ms:
			s.remove(sh, i, r, backends.Expired)
		case indexOf(want, r.id) < 0:
			s.remove(sh, i, r, backends.Removed)
		}
		i = next
	}
}

// indexOf is where the binding of an ID stands; -1: nowhere.
func indexOf(list []backends.Binding, id uint64) int {
	for i := range list {
		if list[i].ID == id {
			return i
		}
	}
	return -1
}

// lives reports whether a record of a chain has an ID.
func (sh *shard) lives(first uint32, id uint64, ms int64) bool {
	for i := first; i != 0; {
		r := sh.records.At(i)
		if r.id == id && r.expires > ms {
			return true
		}
		i = r.next
	}
	return false
}

// newID is one that no other binding has, of this process or another.
func newID() uint64 { return randv2.Uint64()>>1 | 1 }

// remove ends a record.
func (s *Store) remove(sh *shard, i uint32, r *record, how backends.EventKind) {
	s.tell(sh, how, r)
	_, hash := s.of(sh.aorOf(r))
	at, first := sh.find(hash, sh.aorOf(r))
	switch {
	case first == i && r.next == 0:
		sh.index.remove(at)
	case first == i:
		sh.index.places[at] = place(hash, r.next)
	default:
		before := first
		for sh.records.At(before).next != i {
			before = sh.records.At(before).next
		}
		sh.records.At(before).next = r.next
	}
	if r.bucket != gone {
		sh.unhang(r)
	}
	sh.phrases.drop(r.agent)
	sh.phrases.drop(r.listener)
	sh.texts.Free(&r.text)
	sh.records.Free(i)
}

// All is backends.Locations'. A shard is locked for no longer than its addresses are listed; each
// is then looked up.
func (s *Store) All(
	ctx context.Context, now time.Time, f func(aor []byte, set *backends.Set) bool,
) error {
	set := s.sets.Get().(*backends.Set)
	defer s.sets.Put(set)
	for i := range s.shard {
		for _, aor := range s.shard[i].aors() {
			if err := ctx.Err(); err != nil {
				return err
			}
			_ = s.Lookup(ctx, aor, now, set) // it has no errors
			if len(set.Bindings) > 0 && !f(aor, set) {
				return nil
			}
		}
	}
	return nil
}

func (sh *shard) aors() [][]byte {
	sh.Lock()
	defer sh.Unlock()
	list := make([][]byte, 0, sh.index.used)
	for _, p := range sh.index.places {
		if p != 0 {
			list = append(list, slices.Clone(sh.aorOf(sh.records.At(uint32(p)))))
		}
	}
	return list
}

// Watch is backends.Locations'.
func (s *Store) Watch(f func(backends.Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []func(backends.Event)
	if old := s.watchers.Load(); old != nil {
		list = slices.Clone(*old)
	}
	list = append(list, f)
	s.watchers.Store(&list)
}

func (s *Store) tell(sh *shard, kind backends.EventKind, r *record) {
	list := s.watchers.Load()
	if list == nil {
		return
	}
	b := &sh.told
	sh.read(r, b)
	for _, f := range *list {
		f(backends.Event{Kind: kind, AOR: sh.aorOf(r), Binding: b})
	}
}

// Advance is backends.Locations'.
func (s *Store) Advance(now time.Time) (next time.Time) {
	due := int64(0)
	for i := range s.shard {
		sh := &s.shard[i]
		sh.Lock()
		sh.turn(now, func(i uint32, r *record) { s.remove(sh, i, r, backends.Expired) })
		if d := sh.wheel.due(); d != 0 && (due == 0 || d < due) {
			due = d
		}
		sh.Unlock()
	}
	if due == 0 {
		return time.Time{}
	}
	return time.Unix(due, 0)
}

// Len counts the bindings that are kept.
func (s *Store) Len() (n int) {
	for i := range s.shard {
		sh := &s.shard[i]
		sh.Lock()
		n += sh.records.Live()
		sh.Unlock()
	}
	return n
}
