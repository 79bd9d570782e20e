package auth

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var began = time.Unix(1_700_000_000, 0)

// TestNonce: a nonce is read by who has the secret, for its realm, in its time.
func TestNonce(t *testing.T) {
	a, b := NewGuard([32]byte{1}, began), NewGuard([32]byte{1}, began)
	other := NewGuard([32]byte{2}, began)
	realm := []byte("example.net")
	rapid.Check(t, func(t *rapid.T) {
		now := began.Add(time.Duration(rapid.Int64Range(0, 1e6).Draw(t, "now")) * time.Second)
		age := time.Duration(rapid.Int64Range(-60, oldest+60).Draw(t, "age")) * time.Second
		text := a.appendNonce(nil, realm, now)
		if len(text) != nonceText {
			t.Fatalf("%s has %d characters", text, len(text))
		}
		n, ok := b.readNonce(text, realm, now.Add(age))
		if want := age >= -ahead*time.Second && age <= oldest*time.Second; ok != want {
			t.Fatalf("after %v: %v", age, ok)
		}
		if ok && n.issued != seconds(now) {
			t.Fatalf("issued at %d, want %d", n.issued, seconds(now))
		}
		if _, ok := other.readNonce(text, realm, now); ok {
			t.Fatal("another secret took it")
		}
		if _, ok := a.readNonce(text, []byte("example.org"), now); ok {
			t.Fatal("another realm took it")
		}
		i := rapid.IntRange(0, nonceText-1).Draw(t, "at")
		text[i] = rapid.SampledFrom([]byte("AZaz09-_\"= ")).
			Filter(func(c byte) bool { return c != text[i] }).Draw(t, "for")
		if _, ok := a.readNonce(text, realm, now); ok {
			t.Fatalf("forged: %s", text)
		}
	})
}

// TestUsed holds the counts of nonces against a set: what was taken once is never again, and
// what is new and within the window always is.
func TestUsed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var u used
		u.init(0)
		taken, top := map[string]bool{}, map[uint64]uint32{}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			n := nonce{100, rapid.Uint64Range(0, 3*usedShards).Draw(t, "nonce")}
			nc := rapid.Uint32Range(1, 200).Draw(t, "nc")
			key := fmt.Sprint(n.index, nc)
			got := u.take(n, nc, 0, 200, 300)
			was, known := top[n.index]
			fits := !known || nc > was || was-nc < usedWindow
			if want := fits && !taken[key]; (got == first) != want {
				t.Fatalf("nonce %d nc %d: %v, want it taken: %v", n.index, nc, got, want)
			}
			if got == first {
				taken[key] = true
				top[n.index] = max(was, nc)
			}
		}
	})
}

// TestResent: only the same message, and only for a while, may use a count again.
func TestResent(t *testing.T) {
	var u used
	u.init(0)
	n := nonce{100, 7}
	for i, step := range []struct {
		nc      uint32
		message uint64
		now     uint32
		want    counted
	}{
		{1, 10, 100, first}, {1, 10, 101, resent}, {1, 11, 101, again}, {1, 10, 133, again},
		{2, 12, 133, first}, {1, 10, 134, again}, {2, 12, 134, resent},
	} {
		if got := u.take(n, step.nc, step.message, step.now, 200); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}

// TestUsedBound: more nonces than there is room for push the oldest out, which nobody can use
// again; the memory does not grow, and what is old makes room by itself.
func TestUsedBound(t *testing.T) {
	var u used
	u.init(0)
	take := func(i int, issued, now uint32) counted {
		return u.take(nonce{issued, uint64(i) * usedShards}, 1, 0, now, issued+30)
	}
	for i := range usedMax + 100 {
		if got := take(i, uint32(1000+i/2000), 1010); got != first {
			t.Fatalf("nonce %d: %v", i, got)
		}
	}
	s := &u.shards[0]
	if len(s.uses) != usedMax {
		t.Errorf("room for %d", len(s.uses))
	}
	if got := take(0, 1000, 1010); got != tooOld {
		t.Errorf("one that was pushed out: %v", got)
	}
	if got := take(usedMax+99, 1000+(usedMax+99)/2000, 1010); got != resent {
		t.Errorf("one that was not: %v", got)
	}
	if got := take(1<<20, s.floor, 2000); got != first || s.floor > 1010 {
		t.Errorf("later: %v, floor %d", got, s.floor)
	}
}
