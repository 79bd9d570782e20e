package memory

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sipedge/backends"
)

var ctx = context.Background()

var epoch = time.Unix(1_700_000_000, 0).UTC()

// change is a Change of a function.
type change func(s *backends.Set) bool

func (c change) Apply(s *backends.Set) bool { return c(s) }

// model is the store as a map.
type model map[string][]backends.Binding

func (m model) live(aor string, now time.Time) (list []backends.Binding) {
	for _, b := range m[aor] {
		if b.Expires.After(now) {
			list = append(list, b)
		}
	}
	return list
}

func same(a, b backends.Binding) bool {
	return a.ID == b.ID && bytes.Equal(a.Contact, b.Contact) && bytes.Equal(a.Received, b.Received) &&
		bytes.Equal(a.Path, b.Path) && bytes.Equal(a.CallID, b.CallID) && a.CSeq == b.CSeq &&
		a.Q == b.Q && a.Expires.Equal(b.Expires) && a.Modified.Equal(b.Modified) &&
		a.Flags == b.Flags && bytes.Equal(a.UserAgent, b.UserAgent) &&
		bytes.Equal(a.Listener, b.Listener) && a.Methods == b.Methods &&
		bytes.Equal(a.Instance, b.Instance) && a.RegID == b.RegID && bytes.Equal(a.Attr, b.Attr)
}

func drawBinding(t *rapid.T, now time.Time) backends.Binding {
	text := func(name string, most int) []byte {
		n := rapid.IntRange(0, most).Draw(t, name)
		return bytes.Repeat([]byte{byte('a' + n%26)}, n)
	}
	return backends.Binding{
		Contact: text("contact", 60), Received: text("received", 20), Path: text("path", 300),
		CallID: text("call-id", 40), UserAgent: text("agent", 700), Listener: text("listener", 3),
		Instance: text("instance", 50), Attr: text("attr", 10),
		CSeq: rapid.Uint32().Draw(t, "cseq"), Q: rapid.IntRange(0, 1000).Draw(t, "q"),
		Expires:  now.Add(drawTime(t, 4000_000)),
		Modified: now, Flags: rapid.Uint32().Draw(t, "flags"),
		Methods: rapid.Uint32().Draw(t, "methods"), RegID: rapid.Uint32().Draw(t, "reg-id"),
	}
}

func drawTime(t *rapid.T, most int) time.Duration {
	return time.Duration(rapid.IntRange(1, most).Draw(t, "milliseconds")) * time.Millisecond
}

// The store against a map: inserts, refreshes, removals, and time that passes.
func TestStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, m, now := New(backends.Names{}), model{}, epoch
		kept := map[uint64]bool{}
		s.Watch(func(e backends.Event) {
			switch is := kept[e.Binding.ID]; {
			case is == (e.Kind == backends.Inserted):
				t.Fatalf("event %v of a binding that is kept: %v", e.Kind, is)
			case e.Kind == backends.Inserted:
				kept[e.Binding.ID] = true
			case e.Kind != backends.Updated:
				delete(kept, e.Binding.ID)
			}
		})
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			aor := fmt.Sprint("user", rapid.IntRange(0, 12).Draw(t, "aor"))
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				now = now.Add(drawTime(t, 2000_000))
			case 1:
				s.Advance(now)
			default:
				update(t, s, m, aor, now)
			}
			look(t, s, m, now)
		}
		now = now.Add(5000 * time.Second)
		for !s.Advance(now).IsZero() {
			now = now.Add(time.Second)
		}
		if s.Len() != 0 || len(kept) != 0 {
			t.Fatalf("%d left, of which %d were told of", s.Len(), len(kept))
		}
		for i := range s.shard {
			sh := &s.shard[i]
			if n := sh.texts.Live() + sh.index.used + sh.wheel.hung + len(sh.phrases.numbers); n != 0 {
				t.Fatalf("%d things left in shard %d", n, i)
			}
		}
	})
}

func update(t *rapid.T, s *Store, m model, aor string, now time.Time) {
	var want []backends.Binding
	_ = s.Update(ctx, []byte(aor), now, change(func(set *backends.Set) bool {
		have := m.live(aor, now)
		if len(have) != len(set.Bindings) {
			t.Fatalf("%d bindings to change, want %d", len(set.Bindings), len(have))
		}
		set.Bindings = slices.DeleteFunc(set.Bindings, func(backends.Binding) bool {
			return rapid.IntRange(0, 3).Draw(t, "remove") == 0
		})
		for i := range set.Bindings {
			switch b := &set.Bindings[i]; rapid.IntRange(0, 2).Draw(t, "refresh") {
			case 0:
				b.Expires = now.Add(drawTime(t, 4000_000))
			case 1:
				id := b.ID
				*b = drawBinding(t, now)
				b.ID = id
			}
		}
		for range rapid.IntRange(0, 2).Draw(t, "new") {
			set.Bindings = append(set.Bindings, drawBinding(t, now))
		}
		var copied backends.Set
		for i := range set.Bindings {
			copied.Add(&set.Bindings[i])
		}
		want = copied.Bindings
		return true
	}))
	var set backends.Set
	_ = s.Lookup(ctx, []byte(aor), now, &set)
	if len(set.Bindings) != len(want) {
		t.Fatalf("%d bindings after a change, want %d", len(set.Bindings), len(want))
	}
	for i := range want {
		if want[i].ID == 0 {
			want[i].ID = set.Bindings[i].ID
		}
	}
	m[aor] = want
}

func look(t *rapid.T, s *Store, m model, now time.Time) {
	var set backends.Set
	all := 0
	for aor := range m {
		want := m.live(aor, now)
		_ = s.Lookup(ctx, []byte(aor), now, &set)
		if !slices.EqualFunc(set.Bindings, want, same) {
			t.Fatalf("%s: got %+v, want %+v", aor, set.Bindings, want)
		}
		all += len(want)
	}
	_ = s.All(ctx, now, func(_ []byte, set *backends.Set) bool {
		all -= len(set.Bindings)
		return true
	})
	if all != 0 {
		t.Fatalf("All misses %d", all)
	}
}

// Nothing a Change did is kept when a binding is too long.
func TestTooLong(t *testing.T) {
	s := New(backends.Names{})
	err := s.Update(ctx, []byte("a"), epoch, change(func(set *backends.Set) bool {
		set.Bindings = append(set.Bindings,
			backends.Binding{Expires: epoch.Add(time.Hour)},
			backends.Binding{Path: make([]byte, backends.MaxBindingText), Expires: epoch.Add(time.Hour)})
		return true
	}))
	if err != ErrTooLong || s.Len() != 0 {
		t.Errorf("got %v and %d bindings", err, s.Len())
	}
}

// Many at once change one address of record: each sees what the others did.
func TestAtomic(t *testing.T) {
	s := New(backends.Names{})
	const limit = 10
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				_ = s.Update(ctx, []byte("a"), epoch, change(func(set *backends.Set) bool {
					if len(set.Bindings) >= limit {
						return false
					}
					set.Bindings = append(set.Bindings, backends.Binding{Expires: epoch.Add(time.Hour)})
					return true
				}))
			}
		})
	}
	wg.Wait()
	if n := s.Len(); n != limit {
		t.Errorf("%d bindings, want %d", n, limit)
	}
}

// A user agent nobody else has costs the others nothing.
func TestPhrasesBounded(t *testing.T) {
	s := New(backends.Names{})
	for i := range 100_000 {
		insert(s, i, fmt.Sprint("agent ", i))
	}
	n := 0
	for i := range s.shard {
		n += len(s.shard[i].phrases.numbers)
	}
	if n > maxPhrases*len(s.shard) {
		t.Errorf("%d phrases", n)
	}
	var set backends.Set
	_ = s.Lookup(ctx, aorOf(99_999), epoch, &set)
	if got := string(set.Bindings[0].UserAgent); got != "agent 99999" {
		t.Errorf("got %q", got)
	}
}

func aorOf(i int) []byte { return fmt.Appendf(nil, "user%07d@example.net", i) }

func insert(s *Store, i int, agent string) {
	b := backends.Binding{
		Contact:   fmt.Appendf(nil, "sip:user%07d@192.0.2.%d:5060", i, i%250),
		Received:  fmt.Appendf(nil, "sip:198.51.100.%d:%d", i%250, 10000+i%50000),
		CallID:    fmt.Appendf(nil, "%016x%016x@192.0.2.7", i, i*7919),
		UserAgent: []byte(agent), Listener: []byte("udp:192.0.2.1:5060"),
		CSeq: 1, Q: 1000, Expires: epoch.Add(time.Hour), Modified: epoch, Methods: 0x7ffe,
	}
	_ = s.Update(ctx, aorOf(i), epoch, change(func(set *backends.Set) bool {
		set.Bindings = append(set.Bindings, b)
		return true
	}))
}
