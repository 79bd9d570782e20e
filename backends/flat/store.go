package flat

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"sipedge/backends"
)

const can = backends.CanInsert | backends.CanBatch

// store appends rows to files. A file is opened by its name whenever that is another file's than
// the open one's: who rotates renames it, and need not tell.
type store struct {
	folder, prefix, suffix string
	delimiter              byte
	sync                   bool
	now                    func() time.Time

	mu     sync.Mutex
	tables map[string]*table // nil: closed
}

// table is what lines of a table go to. turn holds one while nobody writes, and is closed with
// the store.
type table struct {
	turn chan struct{}
	file *file // nil: none is open
}

func newStore(folder string) *store {
	return &store{folder: folder, suffix: ".log", delimiter: '|', now: time.Now,
		tables: map[string]*table{}}
}

func (s *store) Can() backends.Capability { return can }

// Ping looks whether the folder is there.
func (s *store) Ping(context.Context) error {
	d, err := os.Stat(s.folder)
	if err == nil && !d.IsDir() {
		err = fmt.Errorf("%s is no folder", s.folder)
	}
	return err
}

func (s *store) Close() error {
	s.mu.Lock()
	tables := s.tables
	s.tables = nil
	s.mu.Unlock()
	var all error
	for _, t := range tables {
		<-t.turn
		close(t.turn) // nobody has it after this
		if t.file != nil {
			all = errors.Join(all, t.file.Close())
		}
	}
	return all
}

// Insert appends rows in one write. Which columns they are of is not in the file.
func (s *store) Insert(ctx context.Context, table string, columns []string,
	rows ...backends.Row) error {
	if table == "" || table[0] == '.' || strings.ContainsAny(table, "/\\\x00") {
		return fmt.Errorf("%w: %.40q is no name of a table", backends.ErrRefused, table)
	}
	var lines []byte
	for _, r := range rows {
		if len(r) != len(columns) {
			return fmt.Errorf("%w: a row of %d values for %d columns", backends.ErrRefused, len(r),
				len(columns))
		}
		lines = s.appendRow(lines, r)
	}
	if len(lines) == 0 {
		return nil
	}
	t, err := s.table(ctx, table)
	if err != nil {
		return err
	}
	defer t.leave()
	if err := s.open(t, table); err != nil {
		return err
	}
	if err := t.file.settle(ctx); err != nil {
		return err
	}
	return t.file.append(lines, s.sync)
}

// table is that of a name, for the caller alone until he leaves it.
func (s *store) table(ctx context.Context, name string) (*table, error) {
	s.mu.Lock()
	t := s.tables[name]
	if t == nil && s.tables != nil {
		t = &table{turn: make(chan struct{}, 1)}
		t.leave()
		s.tables[name] = t
	}
	s.mu.Unlock()
	if t == nil {
		return nil, os.ErrClosed
	}
	select {
	case _, open := <-t.turn:
		if !open {
			return nil, os.ErrClosed
		}
		return t, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (t *table) leave() { t.turn <- struct{}{} }

// open has the file of a table be the one that its lines belong to now. The caller has its turn.
func (s *store) open(t *table, name string) error {
	at := s.now()
	path := filepath.Join(s.folder, expand(s.prefix, at)+name+expand(s.suffix, at))
	if f := t.file; f != nil {
		if f.path == path {
			here, err := f.Stat()
			if err != nil {
				return err
			}
			if there, err := os.Stat(path); err == nil && os.SameFile(here, there) {
				return nil
			}
		}
		t.file = nil
		if err := f.Close(); err != nil {
			return err
		}
	}
	f, err := openFile(path)
	t.file = f
	return err
}

// expand replaces %Y, %m, %d, %H and %M.
func expand(name string, at time.Time) string {
	if !strings.Contains(name, "%") {
		return name
	}
	return strings.NewReplacer("%Y", at.Format("2006"), "%m", at.Format("01"), "%d", at.Format("02"),
		"%H", at.Format("15"), "%M", at.Format("04"), "%%", "%").Replace(name)
}

const hex = "0123456789ABCDEF"

// appendRow writes a line: NULL is a field of nothing, a time its Unix seconds; what is no
// printable character of ASCII, the delimiter and the backslash are \xHH.
func (s *store) appendRow(b []byte, r backends.Row) []byte {
	for i, v := range r {
		if i > 0 {
			b = append(b, s.delimiter)
		}
		switch v := v.(type) {
		case float64: // as db_flatstore, without exponents
			b = strconv.AppendFloat(b, v, 'f', -1, 64)
			continue
		case time.Time:
			b = strconv.AppendInt(b, v.Unix(), 10)
			continue
		}
		text := backends.Text(v)
		for i := range len(text) {
			c := text[i]
			if c < ' ' || c > '~' || c == '\\' || c == s.delimiter {
				b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
				continue
			}
			b = append(b, c)
		}
	}
	return append(b, '\n')
}

func unread() error {
	return fmt.Errorf("%w: flat appends rows and can't read or change them", backends.ErrUnsupported)
}

func (s *store) Select(context.Context, backends.Select) ([]backends.Row, error) {
	return nil, unread()
}

func (s *store) Update(context.Context, string, []backends.Cell, []backends.Where) (int, error) {
	return 0, unread()
}

func (s *store) Delete(context.Context, string, []backends.Where) (int, error) {
	return 0, unread()
}

func (s *store) Upsert(context.Context, string, []string, []backends.Cell) error {
	return unread()
}
