package main

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/digest"
)

// wire is a client that writes what the test says, over UDP, and sends it again as RFC 3261
// §17.1.2 has it until it is answered.
type wire struct {
	t    testing.TB
	conn *net.UDPConn
	seq  int
}

func dialWire(t testing.TB, to netip.AddrPort) *wire {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &wire{t: t, conn: conn}
}

// register is a REGISTER with what the client does not say set: a fresh Via, a Call-ID of the
// client, a CSeq that grows. lines end with CRLF.
func (w *wire) register(aor, uri, lines string) string {
	w.seq++
	local := w.conn.LocalAddr()
	return fmt.Sprintf("REGISTER %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKw%d;rport\r\n"+
		"Max-Forwards: 70\r\nFrom: <%s>;tag=w\r\nTo: <%s>\r\nCall-ID: w@%s\r\nCSeq: %d REGISTER\r\n"+
		"%sContent-Length: 0\r\n\r\n", uri, local, w.seq, aor, aor, local, w.seq, lines)
}

// ask sends a request and returns the final response to it.
func (w *wire) ask(request string) *sip.Message {
	m, err := w.exchange(request)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, request)
	}
	return m
}

func (w *wire) exchange(request string) (*sip.Message, error) {
	var sent sip.Message
	if err := sent.Parse([]byte(request)); err != nil {
		return nil, err
	}
	via, _ := sent.TopVia()
	buf := make([]byte, sip.MaxMessage)
	for pause, spent := 500*time.Millisecond, time.Duration(0); spent < 32*time.Second; {
		if _, err := w.conn.Write([]byte(request)); err != nil {
			return nil, err
		}
		w.conn.SetReadDeadline(time.Now().Add(pause))
		for {
			n, err := w.conn.Read(buf)
			if err != nil {
				break
			}
			m := new(sip.Message)
			if err := m.Parse(append([]byte(nil), buf[:n]...)); err != nil {
				return nil, err
			}
			v, ok := m.TopVia()
			if ok && !m.IsRequest() && m.Status() >= 200 && string(v.Branch) == string(via.Branch) {
				return m, nil
			}
		}
		spent += pause
		pause = min(2*pause, 4*time.Second)
	}
	return nil, fmt.Errorf("no answer within 32s")
}

// flood sends requests at once, by the beginning of their Call-ID, and again those without an
// answer, which it takes out. again tells the answer to one that was sent more than once.
func (w *wire) flood(
	open map[string]string, answered func(id string, m *sip.Message, again bool),
) error {
	buf := make([]byte, sip.MaxMessage)
	for round := range 64 {
		for _, request := range open {
			if _, err := w.conn.Write([]byte(request)); err != nil {
				return err
			}
		}
		w.conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		for len(open) > 0 {
			n, err := w.conn.Read(buf)
			if err != nil {
				break
			}
			m := new(sip.Message)
			if err := m.Parse(append([]byte(nil), buf[:n]...)); err != nil {
				return err
			}
			id, _, _ := strings.Cut(string(m.CallID()), "@")
			if _, ok := open[id]; ok && m.Status() >= 200 {
				delete(open, id)
				answered(id, m, round > 0)
			}
		}
		if len(open) == 0 {
			return nil
		}
	}
	return fmt.Errorf("%d requests were not answered", len(open))
}

// challenge is what a response asks for.
func (w *wire) challenge(m *sip.Message) digest.Challenge {
	w.t.Helper()
	c, err := digest.ParseChallenge(m.Get(sip.WWWAuthenticate))
	if err != nil {
		w.t.Fatalf("%d: %v\n%s", m.Status(), err, m.Raw())
	}
	return c
}

// proof answers a challenge.
type proof struct {
	user, password, uri, method string
	nc                          uint32
}

// line is the header field.
func (p proof) line(c digest.Challenge) string {
	cred := digest.Credentials{
		Username: []byte(p.user), Realm: c.Realm, Nonce: c.Nonce, URI: []byte(p.uri),
		Algorithm: c.Algorithm, Named: true, QOP: digest.Auth, CNonce: []byte("w"),
		NC: fmt.Appendf(nil, "%08x", p.nc),
	}
	ha1 := digest.AppendHA1(nil, c.Algorithm, cred.Username, c.Realm, []byte(p.password))
	cred.Response = cred.AppendResponse(nil, ha1, []byte(p.method), nil)
	return "Authorization: " + string(cred.AppendTo(nil)) + "\r\n"
}

// contacts are the addresses in the Contacts of a response, in their order.
func contacts(m *sip.Message) (list []string) {
	for e, ok := m.FirstElement(sip.Contact); ok; e, ok = m.NextElement(e) {
		uri, _, _ := strings.Cut(strings.TrimPrefix(string(e.Value), "<"), ">")
		list = append(list, uri)
	}
	return list
}
