//go:build !portable

package poll

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sipedge/sip/transport/keep"
)

// Works says that there are sets in this build.
const Works = true

const (
	batch = 64                     // sockets told of at once
	nap   = 100 * time.Millisecond // the longest wait with a processor in hand
)

// set is a set of sockets. wait and close are for one goroutine, the rest for all.
type set struct {
	fd     int
	bell   int // an eventfd in the set: Ring
	rung   atomic.Bool
	keep   keep.Keeper
	events [batch]unix.EpollEvent
	told   [batch]event
}

// bellID is no connection's.
const bellID = 0

// newSet returns an empty set; an error wraps errors.ErrUnsupported where there are none.
func newSet() (*set, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("eventfd", err), unix.Close(fd))
	}
	s := &set{fd: fd, bell: bell}
	if err := s.control(unix.EPOLL_CTL_ADD, bell, bellID, Read); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// close ends the use of a set in which nobody waits.
func (s *set) close() error {
	s.keep.GiveBack()
	return errors.Join(unix.Close(s.bell), unix.Close(s.fd))
}

// ring has wait return.
func (s *set) ring() {
	if s.rung.CompareAndSwap(false, true) {
		one := [8]byte{1}
		_, _ = unix.Write(s.bell, one[:])
	}
}

// take has wait tell of the connection by id, which is not 0, when there is something to read. Its
// socket leaves the runtime's poller, and c is closed by that; or else c is what it was.
func (s *set) take(c *net.TCPConn, id uint64) (Socket, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var fd int
	var failed error
	if err := raw.Control(func(of uintptr) {
		fd, failed = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil {
		return 0, err
	}
	if failed != nil {
		return 0, os.NewSyscallError("fcntl", failed)
	}
	if err := s.control(unix.EPOLL_CTL_ADD, fd, id, Read); err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	_ = c.Close()
	return Socket(fd), nil
}

// change has a socket told of for something else. The end of a connection is told of always.
func (s *set) change(c Socket, id uint64, what Readiness) error {
	return s.control(unix.EPOLL_CTL_MOD, int(c), id, what)
}

func (s *set) control(op, fd int, id uint64, what Readiness) error {
	e := unix.EpollEvent{Fd: int32(id), Pad: int32(id >> 32)}
	if what&Read != 0 {
		e.Events |= unix.EPOLLIN
	}
	if what&Write != 0 {
		e.Events |= unix.EPOLLOUT
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(s.fd, op, fd, &e))
}

// wait returns the sockets that are ready, until the next call: those that are not dealt with are
// told of again. It waits for most at most; less than 0: for ever. While there is traffic it keeps
// a processor (package keep), and may return for nothing.
func (s *set) wait(most time.Duration) []event {
	n := 0
	var errno syscall.Errno
	if s.keep.Holds() {
		wait := nap
		if most >= 0 {
			wait = min(wait, most)
		}
		n, errno = s.ask(syscall.RawSyscall6, wait)
		switch {
		case n > 0:
			s.keep.Came()
		case errno == unix.EINTR || wait < nap:
			s.keep.Interrupted()
		default:
			s.keep.GiveBack()
		}
	} else if n, errno = s.ask(syscall.Syscall6, most); n > 0 {
		s.keep.Take()
	}
	if errno != 0 {
		return nil // EINTR
	}
	return s.tell(n)
}

// ask is one system call.
func (s *set) ask(
	call func(trap, a, b, c, d, e, f uintptr) (uintptr, uintptr, syscall.Errno), most time.Duration,
) (int, syscall.Errno) {
	ms := -1
	if most >= 0 {
		ms = int((most + time.Millisecond - 1) / time.Millisecond)
	}
	n, _, errno := call(unix.SYS_EPOLL_PWAIT, uintptr(s.fd),
		uintptr(unsafe.Pointer(&s.events[0])), batch, uintptr(ms), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// tell takes the first n events over.
func (s *set) tell(n int) []event {
	told := s.told[:0]
	for i := range s.events[:n] {
		e := &s.events[i]
		id := uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32
		if id == bellID {
			var b [8]byte
			_, _ = unix.Read(s.bell, b[:])
			s.rung.Store(false) // behind it: else what rings in between rings no more
			continue
		}
		var r Readiness
		if e.Events&unix.EPOLLIN != 0 {
			r |= Read
		}
		if e.Events&unix.EPOLLOUT != 0 {
			r |= Write
		}
		if e.Events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
			r |= Read | Write // and see
		}
		told = append(told, event{id, r})
	}
	return told
}

// Socket is the socket of a connection, which the runtime's poller knows nothing of.
type Socket int

// Read reads what there is and fits; 0: there is nothing. The end is io.EOF.
func (c Socket) Read(b []byte) (int, error) {
	n, err := c.do(unix.SYS_RECVFROM, b, 0)
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return max(n, 0), os.NewSyscallError("read", err)
}

// Write writes as much as there is room for.
func (c Socket) Write(b []byte) (int, error) {
	n, err := c.do(unix.SYS_SENDTO, b, unix.MSG_NOSIGNAL)
	return max(n, 0), os.NewSyscallError("write", err)
}

// do is one system call; -1 without an error: it would have to wait. b is not empty.
func (c Socket) do(trap uintptr, b []byte, flags uintptr) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall6(trap, uintptr(c),
			uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EAGAIN:
			return -1, nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// CloseWrite tells the peer that nothing more comes.
func (c Socket) CloseWrite() error {
	return os.NewSyscallError("shutdown", unix.Shutdown(int(c), unix.SHUT_WR))
}

// Close closes the connection, and takes it out of its set.
func (c Socket) Close() error { return os.NewSyscallError("close", unix.Close(int(c))) }
