package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func replay(t *testing.T, j *Journal) (list []string, r Replayed) {
	t.Helper()
	r, err := j.Replay(func(record []byte) error {
		list = append(list, string(record))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, r
}

func appendAll(t *testing.T, j *Journal, records ...string) {
	t.Helper()
	for _, r := range records {
		if err := j.Append(t.Context(), []byte(r)); err != nil {
			t.Fatal(err)
		}
	}
}

func shut(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// What was appended is read back in order, over several processes.
func TestReplay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "journal")
	var want []string
	for n := range 3 {
		j := open(t, dir)
		got, r := replay(t, j)
		if !slices.Equal(got, want) || r.Snapshot || len(r.Torn) > 0 {
			t.Fatalf("want %q, got %q, %+v", want, got, r)
		}
		for i := range 5 {
			want = append(want, fmt.Sprintf("%d/%d", n, i))
		}
		want = append(want, "", "noted")
		appendAll(t, j, want[len(want)-7:len(want)-1]...)
		j.Note([]byte("noted"))
		shut(t, j)
	}
}

// Wherever a crash cuts the last log, or whatever stands there instead, the records before it are
// read, and so is what comes after the crash.
func TestTorn(t *testing.T) {
	whole := t.TempDir()
	j := open(t, whole)
	appendAll(t, j, "one", "two", "three")
	shut(t, j)
	log := filepath.Join(whole, fmt.Sprintf("%016d.log", 1))
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	ends := []int{len(magic)}
	for _, r := range []string{"one", "two", "three"} {
		ends = append(ends, ends[len(ends)-1]+head+len(r))
	}
	if ends[3] != len(b) {
		t.Fatalf("the log has %d bytes, want %d", len(b), ends[3])
	}
	for cut := range b {
		changed := slices.Clone(b)
		changed[cut] ^= 0x40
		for name, content := range map[string][]byte{"cut": b[:cut], "changed": changed} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(log)), content, 0o600); err != nil {
				t.Fatal(err)
			}
			j := open(t, dir)
			want := []string{"one", "two", "three"}
			switch {
			case cut < ends[1]:
				want = want[:0]
			case cut < ends[2]:
				want = want[:1]
			default:
				want = want[:2]
			}
			got, r := replay(t, j)
			whole := name == "cut" && slices.Contains(ends, cut)
			if !slices.Equal(got, want) || (len(r.Torn) == 0) != whole {
				t.Fatalf("%s at %d: want %q, got %q, %+v", name, cut, want, got, r)
			}
			appendAll(t, j, "later")
			if got, _ := replay(t, j); !slices.Equal(got, append(want, "later")) {
				t.Fatalf("%s at %d: then %q", name, cut, got)
			}
			shut(t, j)
		}
	}
}

// Who appends at once shares flushes, and each record is there when its Append returns.
func TestGroup(t *testing.T) {
	j := open(t, t.TempDir())
	defer shut(t, j)
	const each, who = 50, 32
	var wg sync.WaitGroup
	for w := range who {
		wg.Go(func() {
			for i := range each {
				if err := j.Append(t.Context(), fmt.Appendf(nil, "%d/%d", w, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if s := j.Stats(); s.Records != each*who || s.Flushes > s.Records {
		t.Errorf("%d records in %d flushes", s.Records, s.Flushes)
	}
	got, _ := replay(t, j)
	last := map[int]int{}
	for _, r := range got {
		var w, i int
		if _, err := fmt.Sscanf(r, "%d/%d", &w, &i); err != nil || last[w] != i {
			t.Fatalf("%q after %d, %v", r, last[w], err)
		}
		last[w]++
	}
	if len(got) != each*who {
		t.Errorf("%d records", len(got))
	}
	// A disk that is quicker than who appends has one record a time; one that is not has more.
	before := j.Stats().Flushes
	j.writing.Lock()
	for range who {
		wg.Go(func() { appendAll(t, j, "0/0") })
	}
	for gathered := uint64(0); gathered < who; {
		time.Sleep(time.Millisecond)
		j.mu.Lock()
		gathered = j.next.records
		j.mu.Unlock()
	}
	j.writing.Unlock()
	wg.Wait()
	if n := j.Stats().Flushes - before; n != 1 {
		t.Errorf("%d flushes of what waited for the disk, want 1", n)
	}
}

// A snapshot stands for what was before it, while others append; older files are gone.
func TestSnapshot(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	var mu sync.Mutex
	state := map[string]string{} // each record is KEY=N, and N grows
	put := func(key string, n int) {
		record := fmt.Sprintf("%s=%d", key, n)
		appendAll(t, j, record)
		mu.Lock()
		state[key] = record
		mu.Unlock()
	}
	var wg sync.WaitGroup
	lanes := make([]sync.Mutex, 8) // held from append to state
	for w := range lanes {
		wg.Go(func() {
			for n := range 200 {
				lanes[w].Lock()
				put(strconv.Itoa(w), n)
				lanes[w].Unlock()
			}
		})
	}
	for range 5 {
		err := j.Snapshot(func(add func([]byte) error) error {
			for w := range lanes {
				lanes[w].Lock()
				//lint:ignore SA2001 whoever appended before has changed the state
				lanes[w].Unlock()
			}
			mu.Lock()
			defer mu.Unlock()
			for _, record := range state {
				if err := add([]byte(record)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	shut(t, j)
	j = open(t, dir)
	defer shut(t, j)
	got := map[string]string{}
	list, r := replay(t, j)
	for _, record := range list {
		got[record[:1]] = record
	}
	if fmt.Sprint(got) != fmt.Sprint(state) || !r.Snapshot {
		t.Errorf("want %v, got %v, %+v", state, got, r)
	}
	there, err := j.list()
	if err != nil || len(there[snapshots]) != 1 || len(there[logs]) != 1 || len(there[unfit]) != 0 {
		t.Errorf("%v, %v", there, err)
	}
	if s := j.Stats(); s.Kept == 0 || s.Logged == 0 {
		t.Errorf("%+v", s)
	}
}

// A snapshot that could not be made leaves what was there.
func TestNoSnapshot(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	defer shut(t, j)
	appendAll(t, j, "one")
	no := errors.New("no")
	err := j.Snapshot(func(add func([]byte) error) error { return errors.Join(add([]byte("x")), no) })
	if !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	appendAll(t, j, "two")
	if got, r := replay(t, j); !slices.Equal(got, []string{"one", "two"}) || r.Snapshot {
		t.Errorf("got %q, %+v", got, r)
	}
	if j.Stats().Failures != 1 {
		t.Errorf("%+v", j.Stats())
	}
}

// A disk that refuses a batch is told to who waits for it; the next batch goes into another log.
func TestDiskFails(t *testing.T) {
	j := open(t, t.TempDir())
	defer shut(t, j)
	appendAll(t, j, "one")
	j.writing.Lock()
	j.log.Close()
	j.writing.Unlock()
	if err := j.Append(t.Context(), []byte("two")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
	appendAll(t, j, "three")
	if got, _ := replay(t, j); !slices.Equal(got, []string{"one", "three"}) {
		t.Errorf("got %q", got)
	}
	if s := j.Stats(); s.Failures != 1 || s.Records != 2 {
		t.Errorf("%+v", s)
	}
}

// A record that could not be read back is refused, and costs no other.
func TestLong(t *testing.T) {
	j := open(t, t.TempDir())
	defer shut(t, j)
	long := make([]byte, maxRecord+1)
	if err := j.Append(t.Context(), long); !errors.Is(err, errLong) {
		t.Errorf("append: got %v", err)
	}
	err := j.Snapshot(func(add func([]byte) error) error { return add(long) })
	if !errors.Is(err, errLong) {
		t.Errorf("snapshot: got %v", err)
	}
	appendAll(t, j, "later")
	if got, r := replay(t, j); !slices.Equal(got, []string{"later"}) || len(r.Torn) > 0 {
		t.Errorf("got %d records, %+v", len(got), r)
	}
}

// Who waits for a disk that does not answer goes at his deadline.
func TestDeadline(t *testing.T) {
	j := open(t, t.TempDir())
	defer shut(t, j)
	j.writing.Lock()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := j.Append(ctx, []byte("one"))
	j.writing.Unlock()
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// One process at a time; a snapshot that was changed is an error, not a smaller one.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	if second, err := Open(dir); err == nil {
		second.Close()
		t.Error("opened twice")
	}
	err := j.Snapshot(func(add func([]byte) error) error { return add([]byte("one")) })
	if err != nil {
		t.Fatal(err)
	}
	path := j.path(1, snapshots)
	shut(t, j)
	if err := j.Append(t.Context(), []byte("late")); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
	if err := os.Truncate(path, int64(len(magic)+head+1)); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir)
	defer shut(t, j)
	if _, err := j.Replay(func([]byte) error { return nil }); !errors.Is(err, errTorn) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	j, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	record := make([]byte, 250)
	b.SetParallelism(32)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := j.Append(b.Context(), record); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(j.Stats().Records)/float64(max(1, j.Stats().Flushes)), "records/flush")
}
