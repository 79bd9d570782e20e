package main

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"sipedge/sip"
)

const pingPolicy = testHead + `
domains: [example.net]
backends: {contacts: {memory: {}}}
nat: {ping: {location: contacts, interval: 5s, lost: 1, from: "sip:ping@example.net"}}
routes:
  request:
    - match: {method: REGISTER}
      do: [{save: {location: contacts, received: always}}]
    - do: [{reply: {code: 405}}]
`

// tooLate is when a ping after another is late, on a busy machine too: the next would be due.
const tooLate = 9 * time.Second

// unbound waits until nobody is registered.
func (s *server) unbound(within time.Duration) {
	s.t.Helper()
	for until := time.Now().Add(within); s.metric("sipedge_bindings") != 0; {
		if time.Now().After(until) {
			s.t.Fatal("who does not answer is still registered")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// A phone behind a NAT – its Contact is not where it sends from – gets a ping every 5 s to where
// it registered from. As long as it answers, if only that it does not understand, it stays
// registered; then it is not. A reload does not begin anew.
func TestPing(t *testing.T) {
	t.Parallel()
	s := startServer(t, pingPolicy)
	w := dialWire(t, s.addr("udp", false))
	const contact = "sip:bob@10.99.0.2:5062"
	if m := w.ask(w.register("sip:bob@example.net", "sip:example.net",
		"Contact: <"+contact+">\r\n")); m.Status() != 200 {
		t.Fatalf("REGISTER: %d", m.Status())
	}
	// ping is the next message within a time; nil: there is none.
	ping := func(within time.Duration) *sip.Message {
		w.conn.SetReadDeadline(time.Now().Add(within))
		buf := make([]byte, sip.MaxMessage)
		n, err := w.conn.Read(buf)
		if err != nil {
			return nil
		}
		m := new(sip.Message)
		if err := m.Parse(buf[:n]); err != nil {
			t.Fatalf("%v\n%s", err, buf[:n])
		}
		return m
	}
	for i, status := range []int{200, 405} {
		m := ping(tooLate)
		if m == nil || m.Method() != sip.OPTIONS || string(m.RURI()) != contact {
			t.Fatalf("ping %d: got %v", i, m)
		}
		answer := sip.AppendReply(nil, m, status, "", []byte("bob"), nil)
		if _, err := w.conn.Write(answer); err != nil {
			t.Fatal(err)
		}
		forged := bytes.Replace(answer, []byte("z9hG4bKp"), []byte("z9hG4bKp0"), 1)
		if _, err := w.conn.Write(forged); err != nil {
			t.Fatal(err)
		}
	}
	s.reload(strings.Replace(pingPolicy, "code: 405", "code: 404", 1), true)
	for range 2 {
		if ping(tooLate) == nil {
			t.Fatal("no ping after an answer")
		}
	}
	s.unbound(tooLate)
	if m := ping(100 * time.Millisecond); m != nil {
		t.Fatalf("a ping too many: %s", m.Raw())
	}
	for name, want := range map[string]float64{
		`sipedge_nat_pings_total{result="sent"}`:     4,
		`sipedge_nat_pings_total{result="answered"}`: 2,
		`sipedge_nat_pings_total{result="unsent"}`:   0,
		"sipedge_nat_bindings_lost_total":            1,
		"sipedge_proxy_dropped_responses_total":      2,
	} {
		if got := s.metric(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// A phone that registered over a connection is pinged over it: by OPTIONS, or by empty lines, that
// it does not answer. When it hung up it is not registered any more.
func TestPingOverTCP(t *testing.T) {
	t.Parallel()
	s := startServer(t, pingPolicy)
	conn, err := net.Dial("tcp", s.addr("tcp", false).String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	received := func() string {
		t.Helper()
		buf := make([]byte, sip.MaxMessage)
		conn.SetReadDeadline(time.Now().Add(tooLate))
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	fmt.Fprint(conn, "REGISTER sip:example.net SIP/2.0\r\n"+
		"Via: SIP/2.0/TCP 10.99.0.2;branch=z9hG4bK1\r\nFrom: <sip:bob@example.net>;tag=a\r\n"+
		"To: <sip:bob@example.net>\r\nCall-ID: 1\r\n"+
		"CSeq: 1 REGISTER\r\nContact: <sip:bob@10.99.0.2;transport=tcp>\r\nContent-Length: 0\r\n\r\n")
	if got := received(); !strings.HasPrefix(got, "SIP/2.0 200 ") {
		t.Fatal(got)
	}
	const options = "OPTIONS sip:bob@10.99.0.2;transport=tcp SIP/2.0\r\n"
	if got := received(); !strings.HasPrefix(got, options) {
		t.Fatal(got)
	}
	s.reload(strings.Replace(pingPolicy, "interval: 5s", "method: crlf, interval: 5s", 1), true)
	for range 2 {
		if got := received(); got != "\r\n\r\n" {
			t.Fatalf("%q", got)
		}
	}
	if n := s.metric("sipedge_bindings"); n != 1 {
		t.Errorf("%v bindings", n)
	}
	conn.Close()
	s.unbound(2 * tooLate)
	if n := s.metric(`sipedge_nat_pings_total{result="unsent"}`); n != 2 {
		t.Errorf("%v pings were not sent, want 2", n)
	}
}
