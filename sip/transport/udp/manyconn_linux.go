//go:build !portable

package udp

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sipedge/sip/transport/keep"
)

// All that is unsafe about UDP is in this file and manysend_linux.go; netconn.go is the portable
// twin of both, and passes the same tests. DESIGN.md says why the reader waits as it does.

const (
	readWait = time.Second           // for a datagram, at most
	sendWait = 20 * time.Millisecond // for room in the send buffer
	alone    = 8                     // datagrams read one by one before the next try for several

	waitForOne  = 0x10000 // MSG_WAITFORONE: block for the first only
	controlSize = 64
)

// manyConn is Conn over recvmmsg and sendmmsg.
type manyConn struct {
	fd     int
	any    bool // bound to all addresses of the host: the kernel tells which
	closed atomic.Bool
	zones  zones
	lost   chan struct{} // of one: the error queue holds something
	end    chan struct{}
	in     vector      // the reader's
	keep   keep.Keeper // of the processor it waits with
	// singles counts datagrams that came alone; while it is not 0 they are read by recvfrom,
	// which costs less than recvmmsg for one.
	singles int
	out     vector // the writer's
	whole   bool   // the kernel does not cut messages into datagrams, or not for this interface
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

// vector is what a call reads and writes.
type vector struct {
	msgs    [batch]mmsghdr
	iovs    [batch]unix.Iovec
	names   [batch]unix.RawSockaddrInet6 // or the shorter RawSockaddrInet4
	control [batch]control
	parts   [batch]int // datagrams that message i is cut into
}

// control is room for one control message; words for its alignment.
type control [controlSize / 8]uint64

// pktinfo4 and pktinfo6 are control messages that say where a datagram came to or leaves from.
type (
	pktinfo4 struct {
		unix.Cmsghdr
		unix.Inet4Pktinfo
	}
	pktinfo6 struct {
		unix.Cmsghdr
		unix.Inet6Pktinfo
	}
)

// ReadBatch implements Conn.
func (c *manyConn) ReadBatch(ds []Datagram) (int, error) {
	ds = ds[:min(len(ds), batch)]
	if c.singles > 0 {
		ds = ds[:1] // what is not read into is not touched
	}
	v := &c.in
	for i := range ds {
		v.point(i, i, ds[i].Buf, c.any)
	}
	n, errno := c.wait(uintptr(len(ds)))
	if c.closed.Load() {
		c.keep.GiveBack()
		return 0, net.ErrClosed
	}
	if errno != 0 {
		if errno == unix.EAGAIN || errno == unix.EINTR {
			return 0, nil
		}
		c.note(errno)
		return 0, errno
	}
	if n > 1 || c.any {
		c.singles = 0
	} else {
		c.singles = (c.singles + 1) % alone
	}
	for i := range n {
		m := &v.msgs[i]
		ds[i].N, ds[i].Remote = int(m.n), v.remote(i, &c.zones)
		if ds[i].Local = (netip.Addr{}); c.any {
			ds[i].Local = v.local(i)
		}
	}
	return n, nil
}

// wait blocks until there are datagrams. While traffic flows it does so without a word to Go's
// scheduler, which costs nothing where telling it costs more than the message; so the thread
// keeps its processor. What the scheduler wants of it – to pause for a collection, to let
// others run – comes as a signal, which ends the call because SO_RCVTIMEO is set, and is done
// in Gosched. When traffic ceases it lets go of the processor.
func (c *manyConn) wait(n uintptr) (int, syscall.Errno) {
	v := &c.in
	for c.keep.Holds() && !c.closed.Load() {
		var k uintptr
		var errno syscall.Errno
		if c.singles > 0 {
			k, errno = 1, c.readOne()
		} else {
			k, _, errno = syscall.RawSyscall6(unix.SYS_RECVMMSG, uintptr(c.fd),
				uintptr(unsafe.Pointer(&v.msgs[0])), n, waitForOne, 0, 0)
		}
		if errno != unix.EINTR {
			c.keep.Came()
			return int(k), errno
		}
		c.keep.Interrupted()
	}
	if c.closed.Load() {
		return 0, unix.EINTR
	}
	k, _, errno := syscall.Syscall6(unix.SYS_RECVMMSG, uintptr(c.fd),
		uintptr(unsafe.Pointer(&v.msgs[0])), n, waitForOne, 0, 0)
	if errno == 0 {
		c.keep.Take()
	}
	return int(k), errno
}

// readOne is wait's call for one datagram.
func (c *manyConn) readOne() syscall.Errno {
	m, b := &c.in.msgs[0], &c.in.iovs[0]
	size := uint32(unix.SizeofSockaddrInet6)
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(c.fd),
		uintptr(unsafe.Pointer(b.Base)), uintptr(b.Len), 0,
		uintptr(unsafe.Pointer(&c.in.names[0])), uintptr(unsafe.Pointer(&size)))
	m.n = uint32(n)
	return errno
}

// Backlog implements Conn.
func (c *manyConn) Backlog() uint8 {
	var info [unix.SK_MEMINFO_VARS]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := syscall.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(c.fd), unix.SOL_SOCKET,
		unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	room := uint64(info[unix.SK_MEMINFO_RCVBUF])
	if errno != 0 || room == 0 {
		return 0
	}
	return uint8(min(100, 100*uint64(info[unix.SK_MEMINFO_RMEM_ALLOC])/room))
}

// note wakes Undelivered when the error of a call is ICMP's.
func (c *manyConn) note(errno syscall.Errno) bool {
	if !isReport(errno) {
		return false
	}
	select {
	case c.lost <- struct{}{}:
	default:
	}
	return true
}

// Undelivered implements Conn.
func (c *manyConn) Undelivered(f func(b []byte, err error)) bool {
	select {
	case <-c.lost:
		drainErrors(c.fd, f)
		return true
	case <-c.end:
		return false
	}
}

// Stop implements Conn.
func (c *manyConn) Stop() error {
	c.closed.Store(true)
	close(c.end)
	// An unconnected socket has no connection to end, the kernel says, and wakes the reader.
	if err := unix.Shutdown(c.fd, unix.SHUT_RD); err != nil && !errors.Is(err, unix.ENOTCONN) {
		return os.NewSyscallError("shutdown", err)
	}
	return nil
}

// Close implements Conn.
func (c *manyConn) Close() error { return os.NewSyscallError("close", unix.Close(c.fd)) }

// point has message i read into or written from b, by vector at.
func (v *vector) point(i, at int, b []byte, control bool) {
	v.iovs[at].Base = unsafe.SliceData(b)
	v.iovs[at].SetLen(len(b))
	h := &v.msgs[i].hdr
	h.Iov, h.Iovlen = &v.iovs[at], 1
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(&v.names[i])), unix.SizeofSockaddrInet6
	h.Control, h.Controllen = nil, 0
	if control {
		h.Control = (*byte)(unsafe.Pointer(&v.control[i]))
		h.SetControllen(controlSize)
	}
}

// remote is where message i came from.
func (v *vector) remote(i int, z *zones) netip.AddrPort {
	name := &v.names[i]
	if name.Family == unix.AF_INET {
		name := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(name.Addr), swap(name.Port))
	}
	a := netip.AddrFrom16(name.Addr).Unmap()
	if name.Scope_id != 0 && a.Is6() {
		a = a.WithZone(z.name(name.Scope_id))
	}
	return netip.AddrPortFrom(a, swap(name.Port))
}

// swap turns a port from or to the order of bytes on the wire.
func swap(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}

// local is the address message i came to. Nothing but that was asked for, so it is the first
// control message.
func (v *vector) local(i int) netip.Addr {
	size, room := int(v.msgs[i].hdr.Controllen), unsafe.Pointer(&v.control[i])
	switch h := (*unix.Cmsghdr)(room); {
	case size >= unix.CmsgLen(unix.SizeofInet4Pktinfo) &&
		h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO:
		return netip.AddrFrom4((*pktinfo4)(room).Spec_dst)
	case size >= unix.CmsgLen(unix.SizeofInet6Pktinfo) &&
		h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO:
		return netip.AddrFrom16((*pktinfo6)(room).Addr)
	}
	return netip.Addr{}
}
