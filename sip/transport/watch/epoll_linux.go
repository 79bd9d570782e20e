package watch

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// New returns an empty Set; an error wraps errors.ErrUnsupported where there are none.
func New() (*Set, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // else os.NewFile would not poll it
		return nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(fd))
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Set{file, raw}, nil
}

// Add has a socket told of by id.
func (s *Set) Add(c syscall.RawConn, id uint64) error {
	return s.control(c, unix.EPOLL_CTL_ADD, &unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(id), Pad: int32(id >> 32),
	})
}

// Remove takes a socket out; one that was closed is.
func (s *Set) Remove(c syscall.RawConn) error {
	return s.control(c, unix.EPOLL_CTL_DEL, nil)
}

func (s *Set) control(c syscall.RawConn, op int, e *unix.EpollEvent) error {
	var failed, closed error
	err := s.raw.Control(func(set uintptr) {
		closed = c.Control(func(fd uintptr) {
			failed = os.NewSyscallError("epoll_ctl", unix.EpollCtl(int(set), op, int(fd), e))
		})
	})
	return errors.Join(err, closed, failed)
}

// wait tells of what can be read now, or later.
func (s *Set) wait(readable func(id uint64)) error {
	var events [64]unix.EpollEvent
	n := 0
	err := s.raw.Read(func(set uintptr) bool {
		n, _ = unix.EpollWait(int(set), events[:], 0)
		return n > 0
	})
	for _, e := range events[:max(0, n)] {
		readable(uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32)
	}
	return err
}
