package flat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"sipedge/backends"
)

const (
	can  = backends.CanInsert | backends.CanBatch
	mode = 0o640 // of a new file: who collects them is of the group
	// How long a line without an end stands before it is taken for one that was cut, and how often
	// it is looked at: another program's write is seen before it is whole.
	settled = 200 * time.Millisecond
	looks   = 100
)

// store appends rows to files. A file is opened by its name whenever that is another file's than
// the open one's: who rotates renames it, and need not tell.
type store struct {
	folder, prefix, suffix string
	delimiter              byte
	sync                   bool
	now                    func() time.Time

	mu    sync.Mutex
	files map[string]*file // by table
}

type file struct {
	*os.File
	path string
	torn bool // it ends inside a line: of a write that a failing machine or a full disk cut
}

func newStore(folder string) *store {
	return &store{folder: folder, suffix: ".log", delimiter: '|', now: time.Now,
		files: map[string]*file{}}
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
	defer s.mu.Unlock()
	var all error
	for _, f := range s.files {
		all = errors.Join(all, f.Close())
	}
	s.files = nil
	return all
}

// Insert appends rows in one write. Which columns they are of is not in the file.
func (s *store) Insert(_ context.Context, table string, columns []string,
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
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.file(table)
	if err != nil {
		return err
	}
	return f.append(lines, s.sync)
}

// file is the one that lines of a table belong to now. The caller holds mu.
func (s *store) file(table string) (*file, error) {
	at := s.now()
	path := filepath.Join(s.folder, expand(s.prefix, at)+table+expand(s.suffix, at))
	f := s.files[table]
	if f != nil && f.path == path {
		here, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if there, err := os.Stat(path); err == nil && os.SameFile(here, there) {
			return f, nil
		}
	}
	if f != nil {
		delete(s.files, table)
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	s.files[table] = f
	return f, nil
}

// expand replaces %Y, %m, %d, %H and %M.
func expand(name string, at time.Time) string {
	if !strings.Contains(name, "%") {
		return name
	}
	return strings.NewReplacer("%Y", at.Format("2006"), "%m", at.Format("01"), "%d", at.Format("02"),
		"%H", at.Format("15"), "%M", at.Format("04"), "%%", "%").Replace(name)
}

func openFile(path string) (*file, error) {
	opened, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, mode)
	if err != nil {
		return nil, err
	}
	f := &file{File: opened, path: path}
	if f.torn, err = torn(opened); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// torn tells whether a file ends inside a line that nobody is writing any more.
func torn(f *os.File) (bool, error) {
	last := make([]byte, 1)
	for range looks {
		info, err := f.Stat()
		if err != nil || info.Size() == 0 {
			return false, err
		}
		if _, err = f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
			return false, err
		}
		time.Sleep(settled / looks)
	}
	return true, nil
}

// append writes lines at the end, in one write. What is torn ends before them; of a write that
// did not fit nothing stays, unless somebody wrote behind it.
func (f *file) append(lines []byte, sync bool) error {
	if f.torn {
		lines = append([]byte("\n"), lines...)
	}
	n, err := f.Write(lines)
	if err != nil && n > 0 {
		f.torn = lines[n-1] != '\n'
		end, at := f.Seek(0, io.SeekCurrent)
		if info, is := f.Stat(); at == nil && is == nil && info.Size() == end {
			if cut := f.Truncate(end - int64(n)); cut == nil {
				f.torn = lines[0] == '\n'
			}
		}
	}
	if err == nil {
		f.torn = false
		if sync {
			err = f.Sync()
		}
	}
	return err
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
