package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"sipedge/sip"
)

// A phone behind a NAT – its Contact is not where it sends from – gets a ping every 5 s to where
// it registered from. As long as it answers, if only that it does not understand, it stays
// registered; then it is not. A reload does not begin anew.
func TestPing(t *testing.T) {
	policy := testHead + `
domains: [example.net]
backends: {contacts: {memory: {}}}
nat: {ping: {location: contacts, interval: 5s, lost: 1, from: "sip:ping@example.net"}}
routes:
  request:
    - match: {method: REGISTER}
      do: [{save: {location: contacts, received: always}}]
    - do: [{reply: {code: 405}}]
`
	s := startServer(t, policy)
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
		m := ping(7 * time.Second)
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
	s.reload(strings.Replace(policy, "code: 405", "code: 404", 1), true)
	for range 2 {
		if ping(7*time.Second) == nil {
			t.Fatal("no ping after an answer")
		}
	}
	for until := time.Now().Add(7 * time.Second); s.metric("sipedge_bindings") != 0; {
		if time.Now().After(until) {
			t.Fatal("who did not answer is still registered")
		}
		time.Sleep(50 * time.Millisecond)
	}
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
