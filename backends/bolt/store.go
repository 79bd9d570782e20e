package bolt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"sipedge/backends"
)

const mode = 0o600 // of a new file: there are passwords in it

// store is a file, opened by the first who asks.
type store struct {
	session
	path    string
	timeout time.Duration // how long another process may keep the file

	mu   sync.Mutex
	file *bbolt.DB
}

func newStore(path string, timeout time.Duration) *store {
	s := &store{path: path, timeout: timeout}
	s.session = session{can: able | backends.CanTx, run: s.run}
	return s
}

func (s *store) opened() (*bbolt.DB, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		return s.file, nil
	}
	file, err := bbolt.Open(s.path, mode, &bbolt.Options{Timeout: s.timeout})
	if errors.Is(err, bolterrors.ErrTimeout) {
		err = fmt.Errorf("another process has %s open: %w", s.path, err)
	}
	if err == nil {
		s.file = file
	}
	return s.file, err
}

// run runs f in a transaction of its own.
func (s *store) run(write bool, f func(*bbolt.Tx) error) error {
	file, err := s.opened()
	switch {
	case err != nil:
		return err
	case write:
		return file.Update(f)
	}
	return file.View(f)
}

func (s *store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// Tx runs f in a transaction. What failed inside leaves nothing of the rest.
func (s *store) Tx(_ context.Context, f func(backends.DB) error) error {
	return s.run(true, func(tx *bbolt.Tx) error {
		var broken error
		err := f(&session{can: able, run: func(write bool, f func(*bbolt.Tx) error) error {
			err := f(tx)
			if write && err != nil {
				broken = err
			}
			return err
		}})
		if err == nil {
			err = broken
		}
		return err
	})
}
