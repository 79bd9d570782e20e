//go:build !linux

package watch

import (
	"errors"
	"syscall"
)

// New returns an empty Set; an error wraps errors.ErrUnsupported where there are none.
func New() (*Set, error) { return nil, errors.ErrUnsupported }

// Add has a socket told of by id.
func (s *Set) Add(syscall.RawConn, uint64) error { return errors.ErrUnsupported }

// Remove takes a socket out; one that was closed is.
func (s *Set) Remove(syscall.RawConn) error { return errors.ErrUnsupported }

func (s *Set) wait(func(uint64)) error { return errors.ErrUnsupported }
