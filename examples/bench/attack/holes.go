package attack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// hole is where calls get lost: a port on all addresses of 127.0.0.0/8.
type hole struct {
	port uint16
	held []interface{ Close() error }
}

// holes are as many addresses as calls go to by turns.
const holes = 1000

// address is that of call i.
func (h *hole) address(i int) netip.AddrPort {
	i %= holes
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), h.port)
}

// close ends whatever got lost in it.
func (h *hole) close() {
	for _, c := range h.held {
		_ = c.Close() // nobody reads what it says
	}
}

// deaf is a hole that takes connections, and never a byte from them beyond what the kernel has to
// take: little, since segments are short and so is the buffer.
func deaf() (*hole, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var wrong error
		err := c.Control(func(fd uintptr) {
			wrong = errors.Join(
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1024),
				unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, 300))
		})
		return errors.Join(err, wrong)
	}}
	l, err := lc.Listen(context.Background(), "tcp4", "0.0.0.0:0")
	if err != nil {
		return nil, err
	}
	h := &hole{port: uint16(l.Addr().(*net.TCPAddr).Port), held: []interface{ Close() error }{l}}
	return h, nil // the kernel accepts
}

// unanswered is how long a SYN to a port goes without an answer when there will be none.
const unanswered = 300 * time.Millisecond

// silent is a hole that answers no SYN: there is room for one connection that nobody accepts, and
// it is taken.
func silent() (*hole, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	unix.CloseOnExec(fd)
	h := &hole{held: []interface{ Close() error }{os.NewFile(uintptr(fd), "silent")}}
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{}), unix.Listen(fd, 0)); err != nil {
		h.close()
		return nil, err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		h.close()
		return nil, err
	}
	h.port = uint16(name.(*unix.SockaddrInet4).Port)
	for range 10 {
		c, err := net.DialTimeout("tcp4", fmt.Sprintf("127.0.0.1:%d", h.port), unanswered)
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			return h, nil
		}
		if err != nil {
			h.close()
			return nil, err
		}
		h.held = append(h.held, c)
	}
	h.close()
	return nil, errors.New("a socket with a queue of none takes ten connections")
}
