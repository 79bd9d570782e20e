package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"time"

	"sipedge/sip"
	"sipedge/sip/phrase"
)

// phone is a user agent with one UDP socket and one call at a time.
type phone struct {
	name     string
	conn     *net.UDPConn
	addr     netip.AddrPort
	proxy    netip.AddrPort
	patience time.Duration
	ladder   *ladder
	tag      string
	buf      [65535]byte
	msg      sip.Message
}

func newPhone(
	name string, proxy netip.AddrPort, patience time.Duration, l *ladder,
) (*phone, error) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: proxy.Addr().AsSlice()})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &phone{
		name: name, conn: conn, addr: conn.LocalAddr().(*net.UDPAddr).AddrPort(),
		proxy: proxy, patience: patience, ladder: l, tag: fmt.Sprintf("%x", rand.Uint64()),
	}, nil
}

func (p *phone) hangUp() { p.conn.Close() }

// hint says what a caller can do who reached nobody.
func (p *phone) hint() error {
	return fmt.Errorf("is a proxy at %s? go run ./cmd/sipedge serve examples/01-hello", p.proxy)
}

// call sets up a call to the phone at to, and ends it.
func (p *phone) call(to netip.AddrPort) error {
	d := dialog{
		id:     fmt.Sprintf("%x@%s", rand.Uint64(), p.addr.Addr()),
		target: fmt.Sprintf("sip:bob@%s", to),
		remote: fmt.Sprintf("<sip:bob@%s>", to),
	}
	if err := p.send("INVITE", p.request(&d, "INVITE", 1)); err != nil {
		return err
	}
	for {
		m, err := p.receive()
		if err != nil {
			return err
		}
		if m.IsRequest() || m.Status() >= 300 {
			return fmt.Errorf("alice wants a 200, not %s", label(m))
		}
		if m.Status() >= 200 {
			d.establish(m)
			break
		}
	}
	if err := p.send("ACK", p.request(&d, "ACK", 1)); err != nil {
		return err
	}
	if err := p.send("BYE", p.request(&d, "BYE", 2)); err != nil {
		return err
	}
	m, err := p.receive()
	if err != nil {
		return err
	}
	if m.IsRequest() || m.Status() != 200 || m.Method() != sip.BYE {
		return fmt.Errorf("alice wants a 200 to her BYE, not %s", label(m))
	}
	return nil
}

// answer takes one call: 180, 200, and a 200 for the BYE.
func (p *phone) answer() error {
	flow := []sip.Method{sip.INVITE, sip.ACK, sip.BYE}
	for seen := 0; seen < len(flow); {
		m, err := p.receive()
		switch {
		case err != nil:
			return err
		case !m.IsRequest():
			return fmt.Errorf("bob wants %s, not %s", flow[seen], label(m))
		case slices.Contains(flow[:seen], m.Method()):
			continue // sent again before the answer arrived
		case m.Method() != flow[seen]:
			return fmt.Errorf("bob wants %s, not %s", flow[seen], label(m))
		}
		seen++
		switch m.Method() {
		case sip.INVITE:
			err = errors.Join(p.reply(m, 180), p.reply(m, 200))
		case sip.BYE:
			err = p.reply(m, 200)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *phone) reply(m *sip.Message, status int) error {
	contact := fmt.Appendf(nil, "Contact: <sip:%s@%s>\r\n", p.name, p.addr)
	return p.send(fmt.Sprint(status, " ", phrase.Of(status)),
		sip.AppendReply(nil, m, status, "", []byte(p.tag), contact))
}

func (p *phone) send(text string, b []byte) error {
	p.ladder.message(p.name, text, true)
	_, err := p.conn.WriteToUDPAddrPort(b, p.proxy)
	return err
}

// receive waits for the next message.
func (p *phone) receive() (*sip.Message, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(p.patience)); err != nil {
		return nil, err
	}
	n, _, err := p.conn.ReadFromUDPAddrPort(p.buf[:])
	if err != nil {
		return nil, fmt.Errorf("%s waits: %w", p.name, err)
	}
	if err := p.msg.Parse(p.buf[:n]); err != nil {
		return nil, fmt.Errorf("%s received: %w", p.name, err)
	}
	p.ladder.message(p.name, label(&p.msg), false)
	return &p.msg, nil
}

func label(m *sip.Message) string {
	if m.IsRequest() {
		return string(m.MethodName())
	}
	return fmt.Sprintf("%d %s", m.Status(), m.Reason())
}

// dialog is what a UAC remembers of a call, RFC 3261 §12.1.2.
type dialog struct {
	id     string
	target string   // the remote target
	remote string   // To, with its tag once there is one
	routes []string // the route set
}

// establish takes remote target, tag and route set from a 2xx.
func (d *dialog) establish(m *sip.Message) {
	d.remote = string(m.Get(sip.To))
	if contact, err := sip.ParseNameAddr(m.Get(sip.Contact)); err == nil {
		d.target = string(contact.URI)
	}
	for e, ok := m.FirstElement(sip.RecordRoute); ok; e, ok = m.NextElement(e) {
		d.routes = append(d.routes, string(e.Value))
	}
	slices.Reverse(d.routes)
}

// request builds a request of the call, RFC 3261 §8.1.1 and §12.2.1.1.
func (p *phone) request(d *dialog, method string, cseq int) []byte {
	b := fmt.Appendf(nil, "%s %s SIP/2.0\r\n", method, d.target)
	b = fmt.Appendf(b, "Via: SIP/2.0/UDP %s;branch=%s%x;rport\r\n",
		p.addr, sip.MagicCookie, rand.Uint64())
	b = append(b, "Max-Forwards: 70\r\n"...)
	for _, r := range d.routes {
		b = fmt.Appendf(b, "Route: %s\r\n", r)
	}
	b = fmt.Appendf(b, "From: <sip:%s@%s>;tag=%s\r\n", p.name, p.addr, p.tag)
	b = fmt.Appendf(b, "To: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n", d.remote, d.id, cseq, method)
	b = fmt.Appendf(b, "Contact: <sip:%s@%s>\r\n", p.name, p.addr)
	return append(b, "Content-Length: 0\r\n\r\n"...)
}
