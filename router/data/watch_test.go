package data

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sipedge/schema"
)

// touch writes a file as of some seconds later.
func touch(t *testing.T, path, content string, later int) {
	t.Helper()
	write(t, path, content)
	at := now.Add(time.Duration(later) * time.Second)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func fileTable(t *testing.T) (decls []schema.Table, path string) {
	path = filepath.Join(t.TempDir(), "did.csv")
	touch(t, path, "1,a\n", 0)
	return []schema.Table{{Name: "did", Kind: "map", File: schema.Text{S: path}}}, path
}

func value(table *Table, key string) string {
	v, ok := table.Lookup(nil, []byte(key), now)
	if !ok {
		return "none"
	}
	return string(v)
}

func reloadsOf(t *Table) (done, failed uint64) {
	h, _ := t.History()
	return h.Done, h.Failures
}

func TestRefresh(t *testing.T) {
	decls, path := fileTable(t)
	tables, diags := Load(decls, nil, nil)
	if diags != nil {
		t.Fatal(diags)
	}
	did := tables.Get("did")
	look := func(want string, reloads, failures uint64) {
		t.Helper()
		tables.Refresh(silent)
		done, failed := reloadsOf(did)
		if got := value(did, "1"); got != want || done != reloads || failed != failures {
			t.Errorf("want %s after %d and %d, got %s after %d and %d",
				want, reloads, failures, got, done, failed)
		}
	}
	look("a", 0, 0)
	touch(t, path, "1,b\n", 1)
	look("a", 0, 0) // perhaps still being written
	look("b", 1, 0)
	look("b", 1, 0)
	touch(t, path, "1,c\n1,d\n", 2)
	look("b", 1, 0)
	look("b", 1, 1) // the last good copy
	if h, _ := did.History(); !h.Failed || !strings.Contains(h.Error, "line 2") {
		t.Errorf("why it failed: %+v", h)
	}
	look("b", 1, 1)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	look("b", 1, 1)
	look("b", 1, 2)
	look("b", 1, 2)
	touch(t, path, "1,e\n", 3)
	look("b", 1, 2)
	look("e", 2, 2)
}

// A reload of the policy takes over what did not change.
func TestLoadAgain(t *testing.T) {
	decls, path := fileTable(t)
	decls = append(decls, schema.Table{Name: "c", Kind: "cache", TTL: time.Minute, Max: 5})
	first, _ := Load(decls, nil, nil)
	if err := first.Get("c").Cache().Put([]byte("k"), []byte("v"), 0, now); err != nil {
		t.Fatal(err)
	}
	second, _ := Load(decls, first, nil)
	if first.Get("did").content.Load() != second.Get("did").content.Load() {
		t.Error("the same file was read again")
	}
	if got := value(second.Get("c"), "k"); got != "v" {
		t.Errorf("the cache is %s", got)
	}
	touch(t, path, "1,b\n", 1)
	decls[1].Max = 6
	third, _ := Load(decls, second, nil)
	if got := value(third.Get("did"), "1"); got != "b" {
		t.Errorf("a file that changed: %s", got)
	}
	if got := value(third.Get("c"), "k"); got != "none" {
		t.Errorf("a cache of another shape: %s", got)
	}
}

func TestWatch(t *testing.T) {
	decls, path := fileTable(t)
	tables, _ := Load(decls, nil, nil)
	touch(t, path, "1,b\n", 1)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { Watch(ctx, time.Second, func() *Tables { return tables }, silent) })
		time.Sleep(3 * time.Second)
		synctest.Wait()
		cancel()
		wg.Wait()
	})
	if got := value(tables.Get("did"), "1"); got != "b" {
		t.Errorf("want b, got %s", got)
	}
}

// Look-ups go on while a table is swapped.
func TestRefreshIsConcurrent(t *testing.T) {
	decls, path := fileTable(t)
	tables, _ := Load(decls, nil, nil)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range 2000 {
				if v := value(tables.Get("did"), "1"); v != "a" && v != "b" {
					t.Errorf("got %s", v)
				}
			}
		})
	}
	for i := range 20 {
		touch(t, path, "1,"+string(rune('a'+i%2))+"\n", i+1)
		tables.Refresh(silent)
		tables.Refresh(silent)
	}
	wg.Wait()
}
