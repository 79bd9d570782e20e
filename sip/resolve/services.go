package resolve

import (
	"slices"
	"strings"

	"sipedge/sip"
)

// service is a transport as NAPTR and SRV records name it.
type service struct {
	transport sip.Transport
	naptr     string
	srv       string // before the name of the domain
}

// services are in the order in which they are tried when no NAPTR record says one, RFC 3263
// §4.1, RFC 4168 §6, RFC 7118. There is no SIPS+D2S: TLS over SCTP is not spoken.
var services = [...]service{
	{sip.UDP, "SIP+D2U", "_sip._udp."},
	{sip.TCP, "SIP+D2T", "_sip._tcp."},
	{sip.SCTP, "SIP+D2S", "_sip._sctp."},
	{sip.TLS, "SIPS+D2T", "_sips._tcp."},
	{sip.WS, "SIP+D2W", "_sip._ws."},
	{sip.WSS, "SIPS+D2W", "_sips._ws."},
}

func serviceOf(t sip.Transport) *service {
	for i := range services {
		if services[i].transport == t {
			return &services[i]
		}
	}
	panic("resolve: no service of a transport")
}

// serviceNamed is the service of a NAPTR record; isSIP: it is one of SIP at all.
func serviceNamed(name string) (s *service, isSIP bool) {
	for i := range services {
		if strings.EqualFold(name, services[i].naptr) {
			return &services[i], true
		}
	}
	before, _, _ := strings.Cut(name, "+D2")
	return nil, strings.EqualFold(before, "SIP") || strings.EqualFold(before, "SIPS")
}

// usable reports whether a request to a sip URI, or with secure to a sips URI, may be sent by t.
func (r *Resolver) usable(t sip.Transport, secure bool) bool {
	if secure && t != sip.TLS && t != sip.WSS {
		return false
	}
	return len(r.cfg.Transports) == 0 || slices.Contains(r.cfg.Transports, t)
}

// offered are the transports whose SRV records are asked for without a NAPTR record. Servers of
// WebSocket are not looked for: whoever has one says so.
func (r *Resolver) offered(secure bool) (list []*service) {
	for i := range services {
		s := &services[i]
		if s.transport != sip.WS && s.transport != sip.WSS && r.usable(s.transport, secure) {
			list = append(list, s)
		}
	}
	return list
}
