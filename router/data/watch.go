package data

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Watch looks every now and then at the files of the tables that are current,
// until ctx ends. The pauses differ by a fifth, so that many servers do not read
// at once.
func Watch(ctx context.Context, every time.Duration, current func() *Tables, log *slog.Logger) {
	for {
		pause := time.NewTimer(every - every/10 + rand.N(every/5+1))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
		current().Refresh(log)
	}
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
		c, now, err = f.read(t.kind)
	}
	f.loaded, f.seen = now, now
	f.current.Store(err == nil)
	if err != nil {
		f.failures.Add(1)
		log.Error("table not reloaded: the last good copy stays",
			"table", t.name, "file", f.path, "error", err)
		return
	}
	t.put(c, t)
	f.reloads.Add(1)
	log.Info("table reloaded", "table", t.name, "rows", len(c.rows.entries))
}

// Reloads is how often a changed file was read, and how often that failed.
func (t *Table) Reloads() (done, failed uint64) {
	if t.file == nil {
		return 0, 0
	}
	return t.file.reloads.Load(), t.file.failures.Load()
}
