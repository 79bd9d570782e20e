package siptest

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"sipedge/sip"
	"sipedge/sip/phrase"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
)

// An agent is one user agent of a flow: what it received and has not been
// asked about, and the calls it knows.
type agent struct {
	name   string
	kind   sip.Transport
	addr   netip.AddrPort
	node   *mem.Node
	inbox  []arrival
	last   arrival            // the message expected last
	seen   map[string]arrival // by method: the last request of it, in arrival order of expecting
	asked  string             // method of the last request that was expected
	calls  map[string]*call   // by the name a flow gives
	byID   map[string]*call   // by Call-ID
	sent   []byte
	sentTo transport.Target
	closed int // streams that ended and nobody asked about
	tags   int
	branch int
}

type arrival struct {
	at   time.Duration
	flow transport.Flow
	raw  []byte
	m    *text
}

// A call is one Call-ID at one agent with its dialogs.
type call struct {
	id, remoteURI, localURI, tag string
	cseq                         int
	invite                       *text // sent
	inviteTo                     transport.Target
	dialogs                      map[string]*dialog // by remote tag
	current                      *dialog
	final                        *text // last final to the INVITE
}

// A dialog as RFC 3261 §12 builds it.
type dialog struct {
	remoteTag, target string
	route             []string
	fixed             bool // the route set: it is that of the first 2xx
}

func newAgent(name string, kind sip.Transport, addr netip.AddrPort) *agent {
	return &agent{
		name: name, kind: kind, addr: addr,
		seen: map[string]arrival{}, calls: map[string]*call{}, byID: map[string]*call{},
	}
}

func (a *agent) receive(at time.Duration, f transport.Flow, b []byte) error {
	raw := append([]byte(nil), b...)
	m, err := parseText(raw)
	if err != nil {
		return err
	}
	a.inbox = append(a.inbox, arrival{at, f, raw, m})
	return nil
}

func (a *agent) call(name string) *call {
	c := a.calls[name]
	if c == nil {
		a.tags++
		c = &call{
			id: fmt.Sprintf("call%s@%s", name, a.name), tag: fmt.Sprintf("%s-%d", a.name, a.tags),
			dialogs: map[string]*dialog{},
		}
		a.calls[name], a.byID[c.id] = c, c
	}
	return c
}

// callOf finds the call a received message belongs to, by Call-ID, or makes one.
func (a *agent) callOf(name string, m *text) *call {
	id := m.get("Call-ID")
	if c := a.byID[id]; c != nil {
		return c
	}
	if a.calls[name] != nil {
		name = id
	}
	c := a.call(name)
	delete(a.byID, c.id)
	c.id, a.byID[id] = id, c
	return c
}

func (a *agent) contact() string {
	c := "<sip:" + a.name + "@" + a.addr.String()
	if a.kind != sip.UDP {
		c += ";transport=" + a.kind.String()
	}
	return c + ">"
}

func (a *agent) via() string {
	a.branch++
	return fmt.Sprintf("SIP/2.0/%s %s;branch=z9hG4bK-%s-%d",
		a.kind.ViaName(), a.addr, a.name, a.branch)
}

// request builds a request as the agent's UAC would, RFC 3261 §8.1.1, §12.2.1.1.
func (a *agent) request(method, uri string, s *step) (*text, *call, error) {
	c := a.call(s.opts["call"])
	d := c.current
	if tag := s.opts["tag"]; tag != "" {
		if d = c.dialogs[tag]; d == nil {
			return nil, nil, fmt.Errorf("%s has no dialog with tag %s", a.name, tag)
		}
	}
	if method == "CANCEL" || method == "ACK" && c.final != nil && c.final.status() >= "300" {
		return a.hop(method, c)
	}
	if d == nil && uri == "" {
		return nil, nil, fmt.Errorf("%s %s: no dialog, and no URI given", a.name, method)
	}
	m := &text{}
	from, to := c.localURI, c.remoteURI
	if from == "" {
		from, to = "sip:"+a.name+"@example.org", uri
		c.localURI, c.remoteURI = from, to
	}
	cseq := c.cseq
	if method != "ACK" {
		c.cseq++
		cseq = c.cseq
	} else if c.invite != nil {
		cseq, _ = strconv.Atoi(strings.Fields(c.invite.get("CSeq"))[0])
	}
	m.add("Via", a.via())
	m.add("Max-Forwards", "70")
	m.add("From", "<"+from+">;tag="+c.tag)
	toField := "<" + to + ">"
	if d != nil {
		if uri == "" {
			uri = d.target
		}
		for _, r := range d.route {
			m.add("Route", r)
		}
		toField += ";tag=" + d.remoteTag
	}
	m.add("To", toField)
	m.add("Call-ID", c.id)
	m.add("CSeq", fmt.Sprintf("%d %s", cseq, method))
	m.add("Contact", a.contact())
	m.start = method + " " + uri + " SIP/2.0"
	if method == "INVITE" {
		c.invite, c.final = m, nil
	}
	return m, c, nil
}

// hop builds what repeats the INVITE's top Via: CANCEL and the ACK of a non-2xx.
func (a *agent) hop(method string, c *call) (*text, *call, error) {
	if c.invite == nil {
		return nil, nil, fmt.Errorf("%s has sent no INVITE", a.name)
	}
	m := &text{start: method + " " + c.invite.ruri() + " SIP/2.0"}
	m.add("Via", c.invite.all("Via")[0])
	m.add("Max-Forwards", "70")
	for _, r := range c.invite.all("Route") {
		m.add("Route", r)
	}
	m.add("From", c.invite.get("From"))
	m.add("To", c.invite.get("To"))
	if method == "ACK" {
		m.set("To", c.final.get("To"))
	}
	m.add("Call-ID", c.id)
	n, _, _ := strings.Cut(c.invite.get("CSeq"), " ")
	m.add("CSeq", n+" "+method)
	return m, c, nil
}

// response answers a request, RFC 3261 §8.2.6 and §12.1.1.
func (a *agent) response(status int, r arrival, s *step) *text {
	m := &text{start: fmt.Sprintf("SIP/2.0 %d %s", status, phrase.Of(status))}
	for _, v := range r.m.all("Via") {
		m.add("Via", v)
	}
	to := r.m.get("To")
	if status > 100 && param(to, "tag") == "" {
		to += ";tag=" + a.callOf(s.opts["call"], r.m).tag
	}
	m.add("From", r.m.get("From"))
	m.add("To", to)
	m.add("Call-ID", r.m.get("Call-ID"))
	m.add("CSeq", r.m.get("CSeq"))
	if status > 100 && status < 300 {
		for _, rr := range r.m.all("Record-Route") {
			m.add("Record-Route", rr)
		}
		m.add("Contact", a.contact())
	}
	return m
}

// learn takes what a received message says of a dialog.
func (a *agent) learn(r arrival) {
	m := r.m
	if m.isRequest() {
		a.seen[m.method()], a.asked = r, m.method()
		if m.method() != "INVITE" {
			return
		}
		c := a.callOf("", m)
		if c.current == nil {
			c.localURI, c.remoteURI = uriOf(m.get("To")), uriOf(m.get("From"))
			d := &dialog{
				remoteTag: param(m.get("From"), "tag"), route: m.all("Record-Route"), fixed: true,
			}
			c.current, c.dialogs[d.remoteTag] = d, d
		}
		c.current.target = uriOf(m.get("Contact"))
		return
	}
	c := a.callOf("", m)
	if m.method() != "INVITE" {
		return
	}
	if m.status() >= "200" {
		c.final = m
	}
	tag := param(m.get("To"), "tag")
	if m.status() >= "300" || tag == "" {
		return
	}
	d := c.dialogs[tag]
	if d == nil {
		d = &dialog{remoteTag: tag}
		c.dialogs[tag] = d
	}
	if confirms := m.status() >= "200"; !d.fixed && (d.route == nil || confirms) {
		d.route, d.fixed = nil, confirms
		rr := m.all("Record-Route")
		for i := len(rr) - 1; i >= 0; i-- {
			d.route = append(d.route, rr[i])
		}
	}
	d.target, c.current = uriOf(m.get("Contact")), d
}

// nextHop is where a request goes: its first Route, or the Request-URI for a
// dialog without one; outside a dialog without Route, the flow's proxy.
func nextHop(m *text) (netip.AddrPort, sip.Transport, error) {
	uri := m.ruri()
	if r := m.all("Route"); len(r) > 0 {
		uri = uriOf(r[0])
	}
	_, hostport, _ := strings.Cut(uri, ":")
	if i := strings.LastIndexByte(hostport, '@'); i >= 0 {
		hostport = hostport[i+1:]
	}
	hostport, params, _ := strings.Cut(hostport, ";")
	kind := sip.UDP
	if t := param(";"+params, "transport"); t != "" {
		kind = sip.LookupTransport([]byte(t))
	}
	if ap, err := netip.ParseAddrPort(hostport); err == nil {
		return ap, kind, nil
	}
	ip, err := netip.ParseAddr(strings.Trim(hostport, "[]"))
	if err != nil {
		return netip.AddrPort{}, kind, fmt.Errorf("%s is not an address", hostport)
	}
	return netip.AddrPortFrom(ip, 5060), kind, nil
}
