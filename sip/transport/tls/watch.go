package tls

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"time"
)

// stamp tells whether a file may have changed; the zero one is of a file that can't be read.
type stamp struct {
	at   time.Time
	size int64
}

func stampAll(all map[string]stamp, f Files) {
	for _, path := range f.all() {
		var s stamp
		if info, err := os.Stat(path); err == nil {
			s = stamp{info.ModTime(), info.Size()}
		}
		all[path] = s
	}
}

// Watch reads certificates again whose files changed and are at rest, until ctx ends. It looks
// every now and then; pauses differ by a fifth.
func (s *Store) Watch(ctx context.Context, every time.Duration, log *slog.Logger) {
	for {
		pause := time.NewTimer(every - every/10 + rand.N(every/5+1))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
			if s.Refresh(log) {
				s.Judge(log)
			}
		}
	}
}

var errGone = errors.New("its files are gone, or are no certificate and its key")

// Tell has f, and nobody else any more, called when a certificate was read again, or could not be.
// f is quick and calls no method of s.
func (s *Store) Tell(f func(name string, err error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = f
}

// Refresh reads the certificates of which a file changed since it was read and looks like at the
// call before, and reports whether there were any. One that can't be read stays as it was; this is
// logged and counted once a change. That one has ended is logged, too.
func (s *Store) Refresh(log *slog.Logger) (any bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := *s.current.Load()
	now := make(map[string]stamp)
	for _, i := range all {
		stampAll(now, i.files)
	}
	fresh, read := maps.Clone(all), maps.Clone(s.stamps)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		i := all[name]
		if !s.changed(i.files, now) {
			continue
		}
		for _, path := range i.files.all() {
			read[path] = now[path]
		}
		again, err := load(name, i.files)
		if err == nil && again.awaited() && !i.awaited() {
			err = errGone
		}
		if err != nil {
			s.failed.Add(1)
			s.wrong[name] = err.Error()
			log.Error("certificate not reloaded: what was read last stays",
				"certificate", name, "error", err)
			s.told(name, err)
			continue
		}
		s.reloaded.Add(1)
		delete(s.wrong, name)
		fresh[name], any = again, true
		delete(s.untimely, name)
		log.Info("certificate reloaded", "certificate", name, "not_after", again.until())
		s.told(name, nil)
	}
	s.stamps, s.seen = read, now
	s.warn(fresh, log)
	if any {
		s.swap(fresh)
	}
	return any
}

// warn logs, once, which certificates are refused by who checks them. It is called with mu held.
func (s *Store) warn(all map[string]*identity, log *slog.Logger) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		wrong := all[name].untimely(time.Now())
		if wrong != "" && !s.untimely[name] {
			log.Warn("certificate is refused by who checks it", "certificate", name, "error", wrong)
		}
		s.untimely[name] = wrong != ""
	}
}

// changed reports whether a file of f is not what was read, and all are at rest.
func (s *Store) changed(f Files, now map[string]stamp) bool {
	differ := false
	for _, path := range f.all() {
		if now[path] != s.seen[path] {
			return false
		}
		differ = differ || now[path] != s.stamps[path]
	}
	return differ
}
