package daemon

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"sipedge/router"
	"sipedge/schema"
	"sipedge/sip/transport"
)

// refused is why a policy is not carried out where err is what the host said: the mistakes that are
// the policy's own, if it has some, else where it names the listener that could not be bound.
func refused(err error, doc *schema.Document, p Problems) error {
	if _, own := router.Prove(doc, router.Env{}); own.HasErrors() {
		return &Problems{Source: p.Source, Diagnostics: append(p.Diagnostics, own...)}
	}
	g, found := unlistened(err, doc)
	if !found {
		return err
	}
	g.Severity = schema.Error
	return &Problems{Source: p.Source, Diagnostics: append(p.Diagnostics, g), Host: true}
}

// unlistened finds the listener of doc that err is about.
func unlistened(err error, doc *schema.Document) (g schema.Diagnostic, found bool) {
	if e, ok := errors.AsType[*transport.ListenError](err); ok {
		for i, l := range router.Listeners(doc) {
			if src := &doc.Listen[i]; l.Transport == e.Transport && l.Addr == e.Addr {
				return unbound(src.Transport, src.Addr, src.Pos, e.Err), true
			}
		}
	}
	if e, ok := errors.AsType[*adminError](err); ok {
		return unadministered(&doc.Admin, e.error), true
	}
	return g, false
}

// unadministered tells of an admin listener that could not be bound.
func unadministered(admin *schema.Admin, err error) schema.Diagnostic {
	d := unbound("admin", admin.Addr, admin.Pos, err)
	if admin.Default {
		d.End, d.Hint = 0, strings.TrimPrefix(d.Hint+"; `admin: {listen: …}` sets another", "; ")
	}
	return d
}

// unbound tells of a listener that could not be bound.
func unbound(kind, addr string, pos schema.Pos, err error) schema.Diagnostic {
	d := schema.Diagnostic{Pos: pos, End: pos.Col + len(addr)}
	a, _ := netip.ParseAddrPort(addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		d.Code, d.Severity = schema.AddressInUse, schema.Warning
		d.Message = fmt.Sprintf("%s %s is in use", kind, addr)
		d.Hint = fmt.Sprintf("by a server that runs by this policy, or one that still drains, perhaps: "+
			"`ss -lntup 'sport = :%d'` tells", a.Port())
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		d.Code = schema.NotOurAddress
		d.Message = fmt.Sprintf("%s %s: %s is not an address of this host", kind, addr, a.Addr())
		d.Hint = "it has " + addresses()
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		d.Code = schema.NotPermitted
		d.Message = fmt.Sprintf("%s %s is not permitted to this user", kind, addr)
		if a.Port() < 1024 {
			d.Hint = "ports below 1024 need root or CAP_NET_BIND_SERVICE"
		}
	case errors.Is(err, syscall.EPROTONOSUPPORT):
		d.Code = schema.NoSCTP
		d.Message = fmt.Sprintf("%s %s: this kernel has no SCTP (%v)", kind, addr, cause(err))
		d.Hint = "load module sctp: `modprobe sctp`"
	default:
		d.Code = schema.CannotListen
		d.Message = fmt.Sprintf("%s %s: %v", kind, addr, cause(err))
	}
	return d
}

// cause is the system's reason, if it is one.
func cause(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return err
}

// addresses lists some of this host, those of its network first.
func addresses() string {
	const most = 6
	all, err := net.InterfaceAddrs()
	if err != nil || len(all) == 0 {
		return "none"
	}
	var list []string
	for _, loopback := range []bool{false, true} {
		for _, a := range all {
			n, ok := a.(*net.IPNet)
			if ok && n.IP.IsLoopback() == loopback && !n.IP.IsLinkLocalUnicast() {
				list = append(list, n.IP.String())
			}
		}
	}
	if len(list) > most {
		list = append(list[:most], "…")
	}
	return strings.Join(list, ", ")
}
