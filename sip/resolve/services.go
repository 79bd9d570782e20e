package resolve

import (
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

// transports are what can be sent by, a bit each; 0: all.
type transports uint8

func transportsOf(list []sip.Transport) (s transports) {
	for _, t := range list {
		s |= 1 << t
	}
	return s
}

func (s transports) have(t sip.Transport) bool { return s == 0 || s&(1<<t) != 0 }

// usable reports whether a request to a sip URI, or with secure to a sips URI, may be sent by t.
func (s transports) usable(t sip.Transport, secure bool) bool {
	return s.have(t) && (!secure || t == sip.TLS || t == sip.WSS)
}

// offered are the transports whose SRV records are asked for without a NAPTR record. Servers of
// WebSocket are not looked for: whoever has one says so.
func (s transports) offered(secure bool) (list []*service) {
	for i := range services {
		one := &services[i]
		if one.transport != sip.WS && one.transport != sip.WSS && s.usable(one.transport, secure) {
			list = append(list, one)
		}
	}
	return list
}
