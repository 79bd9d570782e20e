package acme

import (
	"context"
	"sync"

	"github.com/caddyserver/certmagic"
)

// storage is files in a folder that one process has. So its locks are no files, which whoever
// was killed would leave behind.
type storage struct {
	certmagic.Storage

	mu     sync.Mutex
	locked map[string]chan struct{} // by name; closed when it is free
}

func newStorage(folder string) *storage {
	return &storage{
		Storage: &certmagic.FileStorage{Path: folder}, locked: make(map[string]chan struct{}),
	}
}

// Lock implements certmagic.Locker.
func (s *storage) Lock(ctx context.Context, name string) error {
	for {
		s.mu.Lock()
		free := s.locked[name]
		if free == nil {
			s.locked[name] = make(chan struct{})
		}
		s.mu.Unlock()
		if free == nil {
			return nil
		}
		select {
		case <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Unlock implements certmagic.Locker.
func (s *storage) Unlock(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.locked[name])
	delete(s.locked, name)
	return nil
}
