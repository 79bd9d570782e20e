package data

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCache(t *testing.T) {
	c := newCache(time.Minute, 3, 64)
	put := func(key, value string, ttl time.Duration, at int) {
		t.Helper()
		err := c.Put([]byte(key), []byte(value), ttl, now.Add(time.Duration(at)*time.Second))
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(key, value string, at int) {
		t.Helper()
		v, ok := c.Lookup(nil, []byte(key), now.Add(time.Duration(at)*time.Second))
		if got := string(v); ok != (value != "") || got != value {
			t.Errorf("%s at %ds: want %q, got %q", key, at, value, got)
		}
	}
	put("a", "1", 0, 0)
	put("b", "2", 10*time.Second, 0)
	want("a", "1", 59)
	want("a", "", 60)
	want("b", "2", 9)
	want("b", "", 10)
	put("a", "3", 0, 1) // now b is the oldest
	put("c", "4", 0, 1)
	put("d", "5", 0, 1)
	want("b", "", 2)
	want("a", "3", 2)
	want("c", "4", 2)
	if n := c.Evicted(); n != 1 {
		t.Errorf("want 1 evicted, got %d", n)
	}
	if n := c.Len(now); n != 3 {
		t.Errorf("want 3, got %d", n)
	}
	put("2001:db8:1:2::5", "net", 0, 70)
	want("2001:db8:1:2:ffff::9", "net", 71)
	want("[2001:db8:1:2::6]", "net", 71)
	want("2001:db8:1:3::5", "", 71)
	if n := c.Evicted(); n != 1 {
		t.Errorf("what was over is not evicted: %d", n)
	}
	long := strings.Repeat("k", 5000)
	put(long, "long", 0, 80)
	want(long, "long", 81)
	want(long+"k", "", 81)
	if err := c.Put([]byte("x"), make([]byte, MaxValue+1), 0, now); err != ErrLong {
		t.Errorf("want ErrLong, got %v", err)
	}
}

// What is put back is as it was.
func TestSnapshot(t *testing.T) {
	c := newCache(time.Minute, 2*smallStore, 0)
	l := NewLimiter(Rate{1, time.Minute}, 1, 2*smallStore, 0)
	put := func(key, value string) {
		t.Helper()
		if err := c.Put([]byte(key), []byte(value), 0, now); err != nil {
			t.Fatal(err)
		}
	}
	put("first", "as it was")
	l.Take([]byte("first"), now)
	restores := []func(){c.Snapshot(), l.Snapshot()}
	for range 2 {
		put("first", "another")
		for i := range smallStore {
			key := fmt.Sprint(i)
			if c.In([]byte(key), now) || !l.Take([]byte(key), now) || l.Take([]byte(key), now) {
				t.Fatalf("key %s is known", key)
			}
			put(key, key)
		}
		for _, restore := range restores {
			restore()
		}
		v, ok := c.Lookup(nil, []byte("first"), now)
		if !ok || string(v) != "as it was" || c.Len(now) != 1 || l.Take([]byte("first"), now) {
			t.Errorf("after a restore %d keys, the first %q", c.Len(now), v)
		}
	}
}

// A cache of one shard is a map that forgets the oldest.
func TestCacheIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		max := rapid.IntRange(1, 5).Draw(t, "max")
		c := newCache(10*time.Second, max, 0)
		type item struct {
			key, value string
			until      time.Time
		}
		var model []item
		at := now
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, "pause")) * time.Second)
			key := rapid.StringMatching(`[a-h]`).Draw(t, "key")
			i := 0
			for i < len(model) && model[i].key != key {
				i++
			}
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0: // the place it had is the first to be taken
				there := i < len(model) && at.Before(model[i].until)
				if got := c.Remove([]byte(key), at); got != there {
					t.Fatalf("remove %s: want %v of %v, got %v", key, there, model, got)
				}
				if i < len(model) {
					rest := append(model[:i:i], model[i+1:]...)
					model = append([]item{{key: key}}, rest...)
				}
			case 1, 2:
				value := rapid.StringMatching(`[0-9]{0,3}`).Draw(t, "value")
				if err := c.Put([]byte(key), []byte(value), 0, at); err != nil {
					t.Fatal(err)
				}
				if i < len(model) {
					model = append(model[:i], model[i+1:]...)
				} else if len(model) == max {
					model = model[1:]
				}
				model = append(model, item{key, value, at.Add(10 * time.Second)})
			}
			i = slices.IndexFunc(model, func(m item) bool { return m.key == key })
			if i < 0 {
				i = len(model)
			}
			want := i < len(model) && at.Before(model[i].until)
			got, ok := c.Lookup(nil, []byte(key), at)
			if ok != want || want && string(got) != model[i].value {
				t.Fatalf("%s: want %v %v, got %s %v", key, want, model, got, ok)
			}
			var all, told []item
			for _, m := range model {
				if at.Before(m.until) {
					all = append(all, m)
				}
			}
			c.rows(0, nil, at, func(r *Row) bool {
				told = append(told, item{string(r.Key), string(r.Value), at.Add(r.Left)})
				return true
			})
			byKey := func(a, b item) int { return strings.Compare(a.key, b.key) }
			slices.SortFunc(all, byKey)
			slices.SortFunc(told, byKey)
			if !slices.Equal(told, all) {
				t.Fatalf("rows: want %v, got %v", all, told)
			}
		}
	})
}

func TestLimiter(t *testing.T) {
	l := NewLimiter(Rate{16, 2 * time.Second}, 16, 100, 64)
	take := func(key string, at time.Duration) bool { return l.Take([]byte(key), now.Add(at)) }
	count := func(key string, n int, at time.Duration) (ok int) {
		for range n {
			if take(key, at) {
				ok++
			}
		}
		return ok
	}
	if n := count("a", 50, 0); n != 16 {
		t.Errorf("at once: want 16, got %d", n)
	}
	if n := count("b", 3, 0); n != 3 {
		t.Errorf("another key: want 3, got %d", n)
	}
	if take("a", 125*time.Millisecond-time.Microsecond) {
		t.Error("a token came early")
	}
	if n := count("a", 2, 125*time.Millisecond); n != 1 {
		t.Errorf("after 125ms: want 1, got %d", n)
	}
	if n := count("a", 50, 2*time.Second); n != 15 {
		t.Errorf("after 2s: want 15, got %d", n)
	}
	if n := count("a", 50, time.Hour); n != 16 {
		t.Errorf("after an hour: want 16, got %d", n)
	}
	if n := count("a", 50, time.Minute); n != 0 {
		t.Errorf("a clock set back fills nothing: got %d", n)
	}
	if n := count("2001:db8::1", 10, 0) + count("2001:db8::2", 10, 0); n != 16 {
		t.Errorf("one network: want 16, got %d", n)
	}
}

// For any rate and any moments the bucket lets through what exact arithmetic does.
func TestLimiterIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 1000).Draw(t, "count")
		period := time.Duration(rapid.IntRange(1, 10_000).Draw(t, "ms")) * time.Millisecond
		burst := rapid.IntRange(1, 20).Draw(t, "burst")
		l := NewLimiter(Rate{count, period}, burst, 10, 0)
		every := period.Microseconds()
		level, at := int64(burst)*every, int64(0) // in parts of a token
		for range 100 {
			pause := rapid.Int64Range(0, 2*every).Draw(t, "pause")
			at += pause
			level = min(int64(burst)*every, level+pause*int64(count))
			want := level >= every
			if want {
				level -= every
			}
			moment := now.Add(time.Duration(at) * time.Microsecond)
			if got := l.Take([]byte("k"), moment); got != want {
				t.Fatalf("at %dµs: want %v, got %v", at, want, got)
			}
		}
	})
}

// Of more keys than the bound the one not asked for longest goes.
func TestLimiterIsBounded(t *testing.T) {
	l := NewLimiter(Rate{1, time.Hour}, 1, 2, 0)
	for _, key := range []string{"a", "b", "a", "c"} {
		l.Take([]byte(key), now)
	}
	if l.Take([]byte("a"), now) {
		t.Error("a was forgotten before b")
	}
	if !l.Take([]byte("b"), now) {
		t.Error("b was not forgotten")
	}
	big := NewLimiter(Rate{1, time.Hour}, 1, 5000, 0)
	for i := range 50_000 {
		big.Take(fmt.Append(nil, "k", i), now)
	}
	n := 0
	for i := range big.store.shards {
		n += len(big.store.shards[i].cells)
	}
	if n > 5000+manyShards {
		t.Errorf("%d keys are kept", n)
	}
}

func TestConcurrentStores(t *testing.T) {
	c, l := newCache(time.Minute, 2000, 0), NewLimiter(Rate{100, time.Second}, 100, 2000, 0)
	passed := make([]int, 4)
	var wg sync.WaitGroup
	for g := range passed {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			for range 2000 {
				key := fmt.Append(nil, "k", r.IntN(4000))
				if err := c.Put(key, key, 0, now); err != nil {
					t.Error(err)
				}
				if v, ok := c.Lookup(nil, key, now); ok && string(v) != string(key) {
					t.Errorf("want %s, got %s", key, v)
				}
				if l.Take([]byte("all"), now) {
					passed[g]++
				}
			}
		})
	}
	wg.Wait()
	if n := passed[0] + passed[1] + passed[2] + passed[3]; n != 100 {
		t.Errorf("want 100, got %d", n)
	}
}

func TestNoAllocation(t *testing.T) {
	c, l := newCache(time.Minute, 100, 64), NewLimiter(Rate{1, time.Second}, 5, 100, 64)
	keys := make([][]byte, 300)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "2001:db8:%x::%x", i, i)
	}
	keys = append(keys, []byte(strings.Repeat("x", 500)))
	dst := make([]byte, 0, 100)
	run := func() {
		for _, key := range keys {
			_ = c.Put(key, key[:5], 0, now)
			dst, _ = c.Lookup(dst[:0], key, now)
			l.Take(key, now)
		}
	}
	for range len(keys) { // until every cell has had the longest key
		run()
	}
	if n := testing.AllocsPerRun(10, run); n > 0 {
		t.Errorf("want 0 allocations, got %v", n)
	}
}

// Where the policy looks up addresses alone, a key is one, as it is looked up, or none.
func TestKeysThatAreSought(t *testing.T) {
	keys := []string{
		"192.0.2.1", "192.0.2.300", "::ffff:192.0.2.1", "2001:DB8::0:1", "[2001:db8::1]", "2001:db8::/64",
		"2001:db8::1/64", "2001:db8::/48", "192.0.2.0/24", "bob", "",
	}
	all := strings.Join(keys, " ")
	for _, tt := range []struct {
		sought []bool // as addresses
		ipv6   int
		want   string // "!": none
	}{
		{nil, 64, all},
		{[]bool{false}, 64, all},
		{[]bool{true, false}, 64, all},
		{[]bool{true}, 64,
			"192.0.2.1 ! 192.0.2.1 2001:db8::1 2001:db8::1 2001:db8::/64 ! ! ! ! !"},
		{[]bool{true, true}, 0, "192.0.2.1 ! 192.0.2.1 2001:db8::1 2001:db8::1 ! ! ! ! ! !"},
	} {
		c := newCache(time.Minute, 10, tt.ipv6)
		table := &Table{kind: Caching, cache: c}
		for _, addresses := range tt.sought {
			table.Sought(addresses)
		}
		var got []string
		for _, key := range keys {
			as, ok := c.Key(key)
			if !ok {
				as = "!"
			} else if err := c.Put([]byte(as), nil, 0, time.Now()); err != nil {
				t.Fatal(err)
			}
			got = append(got, as)
			if a, err := netip.ParseAddr(key); ok && err == nil && !table.InAddr(a, time.Now()) &&
				len(tt.sought) > 0 && tt.want != all {
				t.Errorf("%v: %s is put as %s, and not found", tt.sought, key, as)
			}
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%v: want %q, got %q", tt.sought, tt.want, got)
		}
	}
	(*Table)(nil).Sought(true)
	new(Table).Sought(true)
}
