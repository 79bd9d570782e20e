package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// kind is the ending of a file's name: NUMBER.KIND.
type kind string

const (
	logs      kind = "log"
	snapshots kind = "snapshot"
	unfit     kind = "new" // a snapshot that is not ready
)

func (j *Journal) path(number uint64, k kind) string {
	return filepath.Join(j.dir, fmt.Sprintf("%016d.%s", number, k))
}

// files are numbers of those that are there, ascending.
type files map[kind][]uint64

func (f files) last() (n uint64) {
	for _, list := range f {
		if len(list) > 0 {
			n = max(n, list[len(list)-1])
		}
	}
	return n
}

func (j *Journal) list() (files, error) {
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	f := files{}
	for _, e := range entries {
		number, ending, _ := strings.Cut(e.Name(), ".")
		if n, err := strconv.ParseUint(number, 10, 64); err == nil {
			f[kind(ending)] = append(f[kind(ending)], n)
		}
	}
	for _, list := range f {
		slices.Sort(list)
	}
	return f, nil
}

func (j *Journal) measure(f files) {
	size := func(k kind) (n int64) {
		for _, number := range f[k] {
			if info, err := os.Stat(j.path(number, k)); err == nil {
				n += info.Size()
			}
		}
		return n
	}
	j.logged.Store(size(logs))
	j.kept.Store(size(snapshots))
}

// Replayed is what Replay found.
type Replayed struct {
	Snapshot bool     // there was one: what was read is all there is
	Torn     []string // logs that end within a record, as a crash leaves them
}

// Replay calls f with every record of the snapshot, then of the logs, in their order. A record
// lives until f returns. Logs may have records again whose effect is in the snapshot.
func (j *Journal) Replay(f func(record []byte) error) (r Replayed, err error) {
	there, err := j.list()
	if err != nil {
		return r, err
	}
	from := uint64(0)
	if list := there[snapshots]; len(list) > 0 {
		from = list[len(list)-1]
		r.Snapshot = true
		if err := readFile(j.path(from, snapshots), f); err != nil {
			return r, fmt.Errorf("journal: snapshot %s: %w", j.path(from, snapshots), err)
		}
	}
	for _, n := range there[logs] {
		if n < from {
			continue
		}
		err := readFile(j.path(n, logs), f)
		if errors.Is(err, errTorn) {
			r.Torn = append(r.Torn, j.path(n, logs))
		} else if err != nil {
			return r, fmt.Errorf("journal: %s: %w", j.path(n, logs), err)
		}
	}
	return r, nil
}

func readFile(path string, f func(record []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return readFrames(file, f)
}

// Snapshot makes a snapshot of what write adds. write is called when the next log has begun: what
// it adds must have the effect of every record whose Append returned before. Nothing waits for it.
func (j *Journal) Snapshot(write func(add func(record []byte) error) error) (err error) {
	j.writing.Lock()
	j.leave()
	err = j.begin()
	number := j.number
	if err != nil {
		j.leave()
	}
	j.writing.Unlock()
	defer func() {
		if err != nil {
			j.failed.Add(1)
			err = fmt.Errorf("journal: snapshot: %w", err)
		}
	}()
	if err != nil {
		return err
	}
	if err := j.writeSnapshot(j.path(number, unfit), write); err != nil {
		return errors.Join(err, os.Remove(j.path(number, unfit)))
	}
	if err := os.Rename(j.path(number, unfit), j.path(number, snapshots)); err != nil {
		return err
	}
	if err := syncFolder(j.dir); err != nil {
		return err
	}
	return j.forget(number)
}

// flushEvery keeps what a snapshot has written and not flushed small: a flush of the log may wait
// for it.
const flushEvery = 4 << 20

func (j *Journal) writeSnapshot(path string, write func(add func([]byte) error) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	buf := []byte(magic)
	out := func() error {
		if _, err := f.Write(buf); err != nil {
			return err
		}
		buf = buf[:0]
		return flush(f)
	}
	err = write(func(record []byte) error {
		if len(record) > maxRecord {
			return errLong
		}
		buf = appendFrame(buf, record)
		if len(buf) < flushEvery {
			return nil
		}
		return out()
	})
	if err == nil {
		err = out()
	}
	return errors.Join(err, f.Close())
}

// forget removes what a snapshot stands for.
func (j *Journal) forget(number uint64) error {
	there, err := j.list()
	if err != nil {
		return err
	}
	for k, list := range there {
		for _, n := range list {
			if n < number {
				err = errors.Join(err, os.Remove(j.path(n, k)))
			}
		}
	}
	j.writing.Lock()
	defer j.writing.Unlock()
	if there, e := j.list(); e == nil {
		j.measure(there)
	}
	return err
}

// syncFolder brings names of files to the disk.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
