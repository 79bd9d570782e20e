package vars

import (
	"net/netip"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip/transport"
)

// Fields of the way a message came: never what it says of itself.
var networkFields = []Field{
	{
		Name: "source", Where: inReceived,
		Doc: "The address and port the message came from.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			return appendAddrPort(dst, j.Flow.Remote)
		},
	},
	{
		Name: "source.ip", Where: inReceived,
		Doc:  "The address the message came from.",
		Addr: func(j *job.Job) netip.Addr { return j.Flow.Remote.Addr().Unmap() },
	},
	{
		Name: "source.port", Where: inReceived,
		Doc: "The port the message came from.",
		Int: func(j *job.Job) (int64, bool) { return port(j.Flow.Remote) },
	},
	{
		Name: "local", Where: inReceived,
		Doc: "The address and port the message came to.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			return appendAddrPort(dst, j.Flow.Local)
		},
	},
	{
		Name: "local.ip", Where: inReceived,
		Doc:  "The address the message came to.",
		Addr: func(j *job.Job) netip.Addr { return j.Flow.Local.Addr().Unmap() },
	},
	{
		Name: "local.port", Where: inReceived,
		Doc: "The port the message came to.",
		Int: func(j *job.Job) (int64, bool) { return port(j.Flow.Local) },
	},
	{
		Name: "transport", Where: inReceived,
		Doc: "The transport the message came by: udp, tcp, tls.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			return append(dst, j.Flow.Transport.String()...)
		},
	},
	{
		Name: "family", Where: inReceived,
		Doc: "The address family the message came by: inet or inet6.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			return append(dst, Family(j)...)
		},
	},
	{
		Name: "listener", Where: inReceived,
		Doc: "The listener the message came to, as force_send_socket takes it.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			if j.Self == nil {
				return dst
			}
			if l, ok := j.Self.Bound(j.Flow.Listener); ok {
				dst = append(dst, l.Transport.String()...)
				dst = append(dst, ':')
				dst = l.Addr.AppendTo(dst)
			}
			return dst
		},
	},
}

// peerFields are of who is at the other end, by his certificate.
var peerFields = []Field{
	peerField("domain", "his first SIP domain", func(p *transport.Peer) string {
		return first(p.Domains)
	}),
	peerField("san", "its first alternative name", func(p *transport.Peer) string {
		return first(p.SAN)
	}),
	peerField("subject", "its subject", func(p *transport.Peer) string { return p.Subject }),
	peerField("issuer", "who issued it", func(p *transport.Peer) string { return p.Issuer }),
	peerField("serial", "its serial number, hexadecimal",
		func(p *transport.Peer) string { return p.Serial }),
	peerField("fingerprint", "its SHA-256, hexadecimal",
		func(p *transport.Peer) string { return p.Fingerprint }),
}

func peerField(name, doc string, get func(*transport.Peer) string) Field {
	return Field{
		Name: "peer." + name, Where: inReceived,
		Doc: "Of the verified certificate of who sent the message: " + doc + ".",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			if j.Flow.Peer == nil {
				return dst
			}
			return append(dst, get(j.Flow.Peer)...)
		},
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// authFields are who authenticated.
var authFields = []Field{
	{
		Name: "auth.user", Where: inReceived &^ schema.InError,
		Doc:    "Who authenticated: his name without a domain.",
		Append: func(dst []byte, j *job.Job, _ string) []byte { return append(dst, j.Auth.User()...) },
	},
	{
		Name: "auth.realm", Where: inReceived &^ schema.InError,
		Doc:    "The realm of who authenticated.",
		Append: func(dst []byte, j *job.Job, _ string) []byte { return append(dst, j.Auth.Realm()...) },
	},
}

// Family is inet or inet6, by the source; "" when there is none.
func Family(j *job.Job) string {
	switch a := j.Flow.Remote.Addr().Unmap(); {
	case a.Is4():
		return "inet"
	case a.Is6():
		return "inet6"
	}
	return ""
}

func appendAddrPort(dst []byte, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return dst
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).AppendTo(dst)
}

func port(a netip.AddrPort) (int64, bool) { return int64(a.Port()), a.IsValid() }
