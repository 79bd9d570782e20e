package data

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Watch has the tables that are current read again when their files or their tables in
// databases change, until ctx ends. It looks every now and then; the pauses differ by a
// fifth, so that many servers do not read at once. Databases are asked beside it.
func Watch(ctx context.Context, every time.Duration, current func() *Tables, log *slog.Logger) {
	w := watcher{ctx: ctx, log: log, ends: map[*Table]context.CancelFunc{}}
	defer w.running.Wait()
	for {
		pause := time.NewTimer(every - every/10 + rand.N(every/5+1))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
		tables := current()
		tables.Refresh(log)
		w.databases(tables)
	}
}

// watcher is what a Watch has under way.
type watcher struct {
	ctx     context.Context
	log     *slog.Logger
	ends    map[*Table]context.CancelFunc // of tables whose changes are told
	running sync.WaitGroup
}

// databases begins to read the tables in databases that are due, one at a time each, and has
// changes of those told that want it.
func (w *watcher) databases(tables *Tables) {
	here := map[*Table]bool{}
	for _, t := range tables.List() {
		r := t.remote
		if r == nil || r.db == nil {
			continue
		}
		here[t] = true
		if r.wants(time.Now()) && !r.busy.Swap(true) {
			w.running.Go(func() {
				defer r.busy.Store(false)
				t.reread(w.ctx, w.log)
			})
		}
		if r.decl.Notify && w.ends[t] == nil {
			ctx, end := context.WithCancel(w.ctx)
			w.ends[t] = end
			w.running.Go(func() { r.listen(ctx) })
		}
	}
	for t, end := range w.ends {
		if !here[t] {
			end()
			delete(w.ends, t)
		}
	}
}

// Hasten has tables in databases read at the next look of Watch, whenever they are due: the one
// of a name, or of an empty name all. It is how many there are.
func (t *Tables) Hasten(name string) (n int) {
	for _, table := range t.List() {
		if r := table.remote; r != nil && (name == "" || table.name == name) {
			r.told.Store(true)
			n++
		}
	}
	return n
}

// Refresh reads the files that changed since they were read and are at rest: that
// look like at the call before. A table whose file can't be read or has a mistake
// keeps what it has; this is logged and counted once a change.
func (t *Tables) Refresh(log *slog.Logger) {
	for _, table := range t.List() {
		if table.file != nil {
			table.refresh(log)
		}
	}
}

func (t *Table) refresh(log *slog.Logger) {
	f := t.file
	f.mu.Lock()
	defer f.mu.Unlock()
	now, err := stampOf(f.path)
	rests := now == f.seen
	f.seen = now
	if now == f.loaded || !rests {
		return
	}
	var c *content
	if err == nil {
		c, now, err = f.read(t.kind, t.sets)
	}
	f.loaded, f.seen = now, now
	if err != nil {
		t.history.failure(err)
		log.Error("table not reloaded: the last good copy stays",
			"table", t.name, "file", f.path, "error", err)
		return
	}
	t.history.success(!c.equal(t.content.Load()))
	t.content.Store(c)
	log.Info("table reloaded", "table", t.name, "rows", c.len())
}
