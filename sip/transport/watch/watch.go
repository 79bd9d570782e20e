// Package watch tells when sockets can be read, without a goroutine for each of them: that of
// a connection costs more memory, with its stack, than the connection.
// Its one law: a socket is told of until it is removed, if there is something to read.
package watch

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// Set is a set of sockets. Methods are safe for concurrent use.
type Set struct {
	file *os.File // of the kernel's set: the runtime's poller waits for it
	raw  syscall.RawConn
}

// Run tells of sockets by their ids, and calls tick from time to time, until Close.
func (s *Set) Run(every time.Duration, readable func(id uint64), tick func()) {
	for next := time.Now().Add(every); ; {
		_ = s.file.SetReadDeadline(next)
		switch err := s.wait(readable); {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			tick()
			next = time.Now().Add(every)
		default:
			return // it is closed, which package os says in no words of its own
		}
	}
}

// Close ends Run.
func (s *Set) Close() error { return s.file.Close() }
