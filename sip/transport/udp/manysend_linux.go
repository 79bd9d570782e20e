//go:build !portable

package udp

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxPart is the most bytes of a datagram that is cut from a message: any IPv6 link takes it.
const maxPart = 1232

// segment is a control message that has the kernel cut a message into datagrams of a size.
type segment struct {
	unix.Cmsghdr
	size uint16
}

// WriteBatch implements Conn.
func (c *manyConn) WriteBatch(ds []Datagram) (int, error) {
	ds = ds[:min(len(ds), batch)]
	v := &c.out
	n, err := c.fill(ds)
	if n == 0 {
		return 0, err
	}
	// What ICMP reports is about another datagram: this one has not been tried.
	for tries := 0; ; tries++ {
		sent, errno := v.send(c.fd, n)
		if errno == unix.EAGAIN { // no room in the send buffer: wait, but not for long
			sent, _, errno = syscall.Syscall6(unix.SYS_SENDMMSG, uintptr(c.fd),
				uintptr(unsafe.Pointer(&v.msgs[0])), 1, 0, 0, 0)
		}
		switch {
		case errno == 0:
			return v.datagrams(int(sent)), nil
		case errno == unix.EINTR && tries < maxReports:
		case c.note(errno) && tries < maxReports:
		case v.parts[0] > 1 && cannotCut(errno): // this kernel or interface: one by one from now on
			c.whole = true
			return c.WriteBatch(ds)
		default:
			return 0, errno
		}
	}
}

// fill makes messages of datagrams: of one, or of several to one remote, of one size but the
// last, which the kernel takes through its layers as one and cuts where they part.
func (c *manyConn) fill(ds []Datagram) (n int, err error) {
	v := &c.out
	for at := 0; at < len(ds); n++ {
		d := &ds[at]
		k := 1
		if !c.whole {
			k = alike(ds[at:])
		}
		v.point(n, at, d.Buf[:d.N], false)
		if err := v.address(n, d.Remote, &c.zones); err != nil {
			return n, err
		}
		if c.any && d.Local.IsValid() && !d.Local.IsUnspecified() {
			v.depart(n, d.Local)
		}
		if v.parts[n] = k; k > 1 {
			v.cut(n, at, ds[at:at+k])
		}
		at += k
	}
	return n, nil
}

// alike is how many of the first datagrams can be one message.
func alike(ds []Datagram) int {
	first := &ds[0]
	if first.N > maxPart {
		return 1
	}
	for i := 1; i < len(ds); i++ {
		d := &ds[i]
		if d.N > first.N || d.Remote != first.Remote || d.Local != first.Local {
			return i
		}
		if d.N < first.N {
			return i + 1
		}
	}
	return len(ds)
}

func cannotCut(errno syscall.Errno) bool {
	return errno == unix.EINVAL || errno == unix.EIO || errno == unix.EMSGSIZE ||
		errno == unix.EOPNOTSUPP || errno == unix.ENOPROTOOPT
}

// datagrams is how many the first n messages are.
func (v *vector) datagrams(n int) (sum int) {
	for _, k := range v.parts[:n] {
		sum += k
	}
	return sum
}

// send sends the first n messages, one of them by the call that costs less.
func (v *vector) send(fd, n int) (uintptr, syscall.Errno) {
	if h := &v.msgs[0].hdr; n == 1 && h.Controllen == 0 {
		_, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
			uintptr(unsafe.Pointer(v.iovs[0].Base)), uintptr(v.iovs[0].Len),
			unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(h.Name)), uintptr(h.Namelen))
		return 1, errno
	}
	sent, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&v.msgs[0])), uintptr(n), unix.MSG_DONTWAIT, 0, 0)
	return sent, errno
}

// address has message i go to remote.
func (v *vector) address(i int, remote netip.AddrPort, z *zones) error {
	a, name, h := remote.Addr(), &v.names[i], &v.msgs[i].hdr
	if a.Is4() {
		*(*unix.RawSockaddrInet4)(unsafe.Pointer(name)) = unix.RawSockaddrInet4{
			Family: unix.AF_INET, Port: swap(remote.Port()), Addr: a.As4(),
		}
		h.Namelen = unix.SizeofSockaddrInet4
		return nil
	}
	zone, err := z.index(a.Zone())
	*name = unix.RawSockaddrInet6{
		Family: unix.AF_INET6, Port: swap(remote.Port()), Addr: a.As16(), Scope_id: zone,
	}
	return err
}

// depart has message i leave from local.
func (v *vector) depart(i int, local netip.Addr) {
	h, room := &v.msgs[i].hdr, unsafe.Pointer(&v.control[i])
	h.Control = (*byte)(room)
	if local.Is4() {
		m := (*pktinfo4)(room)
		m.Level, m.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		m.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
		m.Inet4Pktinfo = unix.Inet4Pktinfo{Spec_dst: local.As4()}
		h.SetControllen(unix.CmsgSpace(unix.SizeofInet4Pktinfo))
		return
	}
	m := (*pktinfo6)(room)
	m.Level, m.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
	m.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
	m.Inet6Pktinfo = unix.Inet6Pktinfo{Addr: local.As16()}
	h.SetControllen(unix.CmsgSpace(unix.SizeofInet6Pktinfo))
}

// cut has message i carry all of ds, by the vectors from at, and the kernel cut it into them.
func (v *vector) cut(i, at int, ds []Datagram) {
	for j := range ds {
		v.iovs[at+j].Base = unsafe.SliceData(ds[j].Buf)
		v.iovs[at+j].SetLen(ds[j].N)
	}
	h, room := &v.msgs[i].hdr, unsafe.Pointer(&v.control[i])
	h.SetIovlen(len(ds))
	used := int(h.Controllen)
	m := (*segment)(unsafe.Add(room, used))
	m.Level, m.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	m.SetLen(unix.CmsgLen(int(unsafe.Sizeof(m.size))))
	m.size = uint16(ds[0].N)
	h.Control = (*byte)(room)
	h.SetControllen(used + unix.CmsgSpace(int(unsafe.Sizeof(m.size))))
}
