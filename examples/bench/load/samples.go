package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// samples are the answers to calls, each for itself.
type samples struct {
	mu  sync.Mutex
	all []sample
}

type sample struct {
	began time.Time
	after time.Duration
}

// add takes one. s may be nil, and then has no use for it.
func (s *samples) add(began time.Time, after time.Duration) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, sample{began, after})
}

// write writes a line for each: when the call began, in ns since 1970, and how many ns later it
// was answered.
func (s *samples) write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, one := range s.all {
		fmt.Fprintf(w, "%d %d\n", one.began.UnixNano(), one.after)
	}
	return errors.Join(w.Flush(), f.Close())
}
