package text

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"sipedge/backends"
	"sipedge/backends/relation"
)

const (
	maxFile = 256 << 20 // bytes of a table
	mode    = 0o600     // of a new file: there are passwords in it
)

// store is a folder of tables. A table is read again when its file is another one. Who changes
// one holds turn, then the lock of the folder, so that programs take turns too, then mu for as
// long as it takes to look; who reads waits for no disk that writes.
type store struct {
	folder string
	log    *slog.Logger
	unique map[string][][]string

	turn sync.Mutex

	mu     sync.Mutex
	tables map[string]*cached
}

// cached is a table as it was read last.
type cached struct {
	table *relation.Table
	file  fs.FileInfo // what it was read from, or what was found broken since
	err   error       // why file is not what table is of
}

func (s *store) Can() backends.Capability {
	return backends.CanSelect | backends.CanInsert | backends.CanUpdate | backends.CanDelete |
		backends.CanUpsert | backends.CanBatch
}

// Ping looks whether the folder is there.
func (s *store) Ping(context.Context) error { return s.there() }

func (s *store) there() error {
	d, err := os.Open(s.folder)
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = d.Readdirnames(0)
	return err
}

func (s *store) Close() error { return nil }

func (s *store) Select(_ context.Context, q backends.Select) ([]backends.Row, error) {
	c, err := s.load(q.Table)
	switch {
	case err != nil:
		return nil, err
	case c.table == nil:
		return nil, c.err
	}
	return c.table.Select(q)
}

func (s *store) Insert(_ context.Context, table string, columns []string,
	rows ...backends.Row) error {
	return s.change(table, func(t *relation.Table) (*relation.Table, error) {
		return t.Insert(columns, rows)
	})
}

func (s *store) Update(_ context.Context, table string, set []backends.Cell,
	where []backends.Where) (n int, err error) {
	err = s.change(table, func(t *relation.Table) (next *relation.Table, err error) {
		next, n, err = t.Update(set, where)
		return next, err
	})
	return n, err
}

func (s *store) Delete(_ context.Context, table string, where []backends.Where) (n int, err error) {
	err = s.change(table, func(t *relation.Table) (next *relation.Table, err error) {
		next, n, err = t.Delete(where)
		return next, err
	})
	return n, err
}

func (s *store) Upsert(_ context.Context, table string, key []string, row []backends.Cell) error {
	return s.change(table, func(t *relation.Table) (*relation.Table, error) {
		return t.Upsert(key, row)
	})
}

// load returns a table as its file has it, or had it before somebody broke it.
func (s *store) load(table string) (*cached, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, ok := s.path(table)
	if !ok {
		return nil, fmt.Errorf("%w: %.40q is no name of a table", backends.ErrRefused, table)
	}
	c := s.tables[table]
	file, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := s.there(); err != nil {
			return nil, err
		}
		delete(s.tables, table)
		return nil, fmt.Errorf("%w: no table %.40q", backends.ErrRefused, table)
	case err != nil:
		return nil, err
	case c != nil && same(c.file, file):
		return c, nil
	}
	next := &cached{file: file}
	if next.table, next.err = s.read(path, table); next.err != nil && c != nil {
		next.table = c.table
		s.log.Error("a table can't be read; it stays as it was", "file", path, "error", next.err)
	}
	s.tables[table] = next
	return next, nil
}

func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

func (s *store) read(path, table string) (*relation.Table, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := parse(b, s.unique[table])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// change has f make the table that is there from now on.
func (s *store) change(table string, f func(*relation.Table) (*relation.Table, error)) error {
	leave, err := s.enter()
	if err != nil {
		return err
	}
	defer leave()
	c, err := s.load(table)
	switch {
	case err != nil:
		return err
	case c.err != nil: // what somebody edits is not overwritten
		return c.err
	}
	next, err := f(c.table)
	if err != nil {
		return err
	}
	return s.write(table, next, c.file.Mode().Perm())
}

// enter waits for the turn to write, of this program and of all.
func (s *store) enter() (leave func(), err error) {
	s.turn.Lock()
	unlock, err := lock(s.folder)
	if err != nil {
		s.turn.Unlock()
		return nil, err
	}
	return func() { unlock(); s.turn.Unlock() }, nil
}

// write puts a table in the place of its file. It is the caller's turn.
func (s *store) write(table string, t *relation.Table, perm fs.FileMode) error {
	b, err := format(t)
	if err != nil {
		return err
	}
	if len(b) > maxFile {
		return fmt.Errorf("%w: table %s has more than %d bytes", backends.ErrRefused, table, maxFile)
	}
	path, _ := s.path(table)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	file, err := replace(path, b, perm)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.tables[table] = &cached{table: t, file: file}
	s.mu.Unlock()
	return nil
}

// replace writes a file beside another one, has both on the disk, and takes its place.
func replace(path string, content []byte, perm fs.FileMode) (fs.FileInfo, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".sipedge-*")
	if err != nil {
		return nil, err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(perm), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return nil, err
	}
	return os.Stat(path)
}
