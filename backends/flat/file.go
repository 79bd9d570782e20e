package flat

import (
	"context"
	"io"
	"os"
	"time"
)

const (
	mode = 0o640 // of a new file: who collects them is of the group
	// How long a line without an end stands before it is taken for one that was cut, and how often
	// it is looked at: another program's write is seen before it is whole.
	settled = 200 * time.Millisecond
	looks   = 100
)

// file is one that lines are appended to, by one goroutine at a time.
type file struct {
	*os.File
	path  string
	ready bool      // what stood in it when it was opened is whole, or torn
	size  int64     // until then: what it was at the last look,
	since time.Time // and for how long
	torn  bool      // it ends inside a line: of a write that a failing machine or a full disk cut
}

func openFile(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, mode)
	if err != nil {
		return nil, err
	}
	return &file{File: f, path: path}, nil
}

// settle waits until the file ends with a line, or nobody has gone on with its last one for long
// enough. Who has no time for that writes nothing; the next one waits for the rest.
func (f *file) settle(ctx context.Context) error {
	for last := make([]byte, 1); !f.ready; {
		now := time.Now() // before the look
		info, err := f.Stat()
		if err != nil {
			return err
		}
		size := info.Size()
		if size > 0 {
			if _, err := f.ReadAt(last, size-1); err != nil {
				return err
			}
		}
		if size == 0 || last[0] == '\n' {
			f.ready = true
			return nil
		}
		if f.since.IsZero() || f.size != size {
			f.size, f.since = size, now
		}
		if now.Sub(f.since) >= settled {
			f.ready, f.torn = true, true
			return nil
		}
		select {
		case <-time.After(settled / looks):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
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
