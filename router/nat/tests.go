package nat

import (
	"bytes"
	"net/netip"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/sdp"
)

// Match is the matcher for messages of clients behind NATs.
var Match = schema.Field{
	Name: "nat",
	Where: schema.InRequest | schema.InBranch | schema.InFailure | schema.InReply |
		schema.InError,
	Schema: `bool`,
	Doc: "Whether its sender seems to be behind a NAT: one of the tests under `nat: {tests: …}` " +
		"holds. Of a reply those of Via never do.",
}

// Tests are some of the tests, each a bit.
type Tests uint8

// test is one of OpenSIPS's nat_uac_test.
type test struct {
	name  string
	holds func(*message) bool
}

var all = [...]test{
	{"private_contact", func(m *message) bool {
		return m.contact.isName && bytes.HasSuffix(sip.AppendLower(nil, m.contact.host), invalid) ||
			private(m.contact, m.source)
	}},
	{"diff_ip_src_via", func(m *message) bool { return elsewhere(m.via, m.source) }},
	{"private_via", func(m *message) bool { return private(m.via, m.source) }},
	{"private_sdp", func(m *message) bool {
		return sdp.HasPrivate(sdp.Find(m.Get(sip.ContentType), m.Body()))
	}},
	{"diff_port_src_via", func(m *message) bool {
		return m.via.is && m.via.port != m.source.Port()
	}},
	{"diff_ip_src_contact", func(m *message) bool { return elsewhere(m.contact, m.source) }},
	{"diff_port_src_contact", func(m *message) bool {
		return m.contact.is && m.contact.port != m.source.Port()
	}},
}

// invalid ends the host of who has no address to give, RFC 7118 §5.
var invalid = []byte(".invalid")

// Read makes tests of their names, which the schema checked.
func Read(names []string) (set Tests) {
	for i := range all {
		for _, name := range names {
			if all[i].name == name {
				set |= 1 << i
			}
		}
	}
	return set
}

// Hold reports whether one of the tests holds of the message of j.
func (set Tests) Hold(j *job.Job) bool {
	m := message{Message: j.Msg, source: j.Flow.Remote}
	m.source = netip.AddrPortFrom(m.source.Addr().Unmap().WithZone(""), m.source.Port())
	if !m.source.IsValid() {
		return false
	}
	if v, ok := j.Msg.TopVia(); ok && j.Msg.IsRequest() {
		m.via = placeOf(v.Host, v.Port, v.Transport)
	}
	if e, ok := j.Msg.FirstElement(sip.Contact); ok {
		if u, err := contactURI(e); err == nil {
			m.contact = placeOf(u.Host, u.Port, j.Flow.Transport)
		}
	}
	for i := range all {
		if set&(1<<i) != 0 && all[i].holds(&m) {
			return true
		}
	}
	return false
}

// message is one with what it says of where its sender is.
type message struct {
	*sip.Message
	source       netip.AddrPort
	via, contact place
}

// place is a host with its port.
type place struct {
	is     bool
	isName bool
	host   []byte
	addr   netip.Addr
	port   uint16
}

func placeOf(host []byte, port uint16, by sip.Transport) place {
	p := place{is: len(host) > 0, host: host, port: port}
	a, ok := sip.ParseAddr(host)
	p.addr, p.isName = a.Unmap(), !ok && p.is
	if port == 0 {
		p.port = by.DefaultPort()
	}
	return p
}

// private reports whether p is an address that means something in a network only, where the
// message does not come from.
func private(p place, source netip.AddrPort) bool {
	return p.addr.IsValid() && sip.IsPrivate(p.addr) && p.addr != source.Addr()
}

// elsewhere reports whether p is not the address that the message came from.
func elsewhere(p place, source netip.AddrPort) bool { return p.is && p.addr != source.Addr() }

// contactURI is the URI of a Contact.
func contactURI(e sip.Element) (sip.URI, error) {
	a, err := sip.ParseNameAddr(e.Value)
	if err != nil {
		return sip.URI{}, err
	}
	return sip.ParseURI(a.URI)
}
