package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// A Journal is a folder of logs, into which records are appended, and of a snapshot, which stands
// for all logs before its own number:
//
//  1. Open, and Replay what is there: the snapshot, then the logs from its number on.
//  2. Append writes to a log of this process alone: that of a crash keeps its torn end.
//  3. Snapshot begins the next log, and when the snapshot is on the disk, what is older goes.
//
// It is safe for concurrent use, but Replay comes first.
type Journal struct {
	dir  string
	lock *os.File

	// Locks are taken in this order: writing, mu.
	writing sync.Mutex // of the files; whoever appends does not wait for it
	log     *os.File   // nil: the next batch begins one
	number  uint64     // of the log

	mu     sync.Mutex // of what gathers
	next   *batch
	closed bool

	wake    chan struct{}
	ended   chan struct{}
	logged  atomic.Int64 // bytes of logs
	kept    atomic.Int64 // bytes of the snapshot
	syncs   atomic.Uint64
	failed  atomic.Uint64
	records atomic.Uint64
}

// batch are records that one flush brings to the disk.
type batch struct {
	frames  []byte
	records uint64
	done    chan struct{} // closed when they are there, or err says why not
	err     error
}

var (
	errClosed = errors.New("journal is closed")
	errLong   = fmt.Errorf("a record is longer than %d bytes", maxRecord)
)

// Open takes a folder, and makes it when there is none. One process at a time has it.
func Open(dir string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", dir, err)
	}
	j := &Journal{
		dir: dir, lock: lock, next: newBatch(),
		wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	f, err := j.list()
	if err != nil {
		lock.Close()
		return nil, err
	}
	j.number = f.last()
	j.measure(f)
	go j.commit()
	return j, nil
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// Append returns when the record is on the disk. All who wait meanwhile share one flush. After an
// error it may be there or not; so it may be when ctx ended.
func (j *Journal) Append(ctx context.Context, record []byte) error {
	b, err := j.add(record)
	if err != nil {
		return err
	}
	select {
	case j.wake <- struct{}{}:
	default:
	}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Note appends a record that may be lost: it goes with the next that may not.
func (j *Journal) Note(record []byte) { _, _ = j.add(record) }

func (j *Journal) add(record []byte) (*batch, error) {
	if len(record) > maxRecord {
		return nil, errLong
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, errClosed
	}
	j.next.frames = appendFrame(j.next.frames, record)
	j.next.records++
	return j.next, nil
}

// commit writes batches: while one is flushed the next one gathers.
func (j *Journal) commit() {
	defer close(j.ended)
	for range j.wake {
		j.flush()
	}
	j.flush()
}

func (j *Journal) flush() {
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.Lock()
	b := j.next
	j.next = newBatch()
	j.mu.Unlock()
	if len(b.frames) > 0 {
		b.err = j.write(b.frames)
	}
	if b.err == nil {
		j.records.Add(b.records)
	}
	close(b.done)
}

// write brings frames to the disk. After a failure nobody knows what the log ends with, nor what
// a second flush would say: the next batch begins another log.
func (j *Journal) write(frames []byte) (err error) {
	defer func() {
		if err != nil {
			j.failed.Add(1)
			j.leave()
			err = fmt.Errorf("journal: %w", err)
		}
	}()
	if j.log == nil {
		if err := j.begin(); err != nil {
			return err
		}
	}
	n, err := j.log.Write(frames)
	j.logged.Add(int64(n))
	if err != nil {
		return err
	}
	j.syncs.Add(1)
	return flush(j.log)
}

// begin begins the next log.
func (j *Journal) begin() error {
	j.number++
	f, err := os.OpenFile(j.path(j.number, logs), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	j.log = f
	n, err := f.WriteString(magic)
	j.logged.Add(int64(n))
	return errors.Join(err, f.Sync(), syncFolder(j.dir))
}

func (j *Journal) leave() {
	if j.log != nil {
		j.log.Close() // what is written is flushed, or is given up
		j.log = nil
	}
}

// Stats are those of a Journal at a moment.
type Stats struct {
	Logged   int64 // bytes of logs
	Kept     int64 // bytes of the snapshot
	Records  uint64
	Flushes  uint64
	Failures uint64 // batches that could not be written
}

// Stats tells how the journal does.
func (j *Journal) Stats() Stats {
	return Stats{j.logged.Load(), j.kept.Load(), j.records.Load(), j.syncs.Load(), j.failed.Load()}
}

// Close writes what was noted, and gives the folder up. Nothing is appended during or after it.
func (j *Journal) Close() error {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	close(j.wake)
	<-j.ended
	j.writing.Lock()
	defer j.writing.Unlock()
	j.leave()
	return j.lock.Close()
}
