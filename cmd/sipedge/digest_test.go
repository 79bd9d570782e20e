package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo"
	sipgosip "github.com/emiago/sipgo/sip"

	"sipedge/sip"
)

// What was overheard, guessed or borrowed registers nobody.
func TestDigestAttacks(t *testing.T) {
	s := startServer(t, registrarPolicy(t))
	at := s.addr("udp", false)
	alice, mallory := dialWire(t, at), dialWire(t, at)
	const aor, uri = "sip:alice@127.0.0.1", "sip:127.0.0.1"
	contact := fmt.Sprintf("Contact: <sip:a@%s>\r\n", alice.conn.LocalAddr())
	theirs := fmt.Sprintf("Contact: <sip:m@%s>\r\n", mallory.conn.LocalAddr())
	c := alice.challenge(alice.ask(alice.register(aor, uri, contact)))
	right := proof{"alice", "secret_of_alice", uri, "REGISTER", 1}
	with := func(change func(*proof)) proof {
		p := right
		change(&p)
		return p
	}
	good := alice.register(aor, uri, contact+right.line(c))
	forged := c
	forged.Nonce = []byte(strings.Repeat("A", len(c.Nonce)))
	for _, tt := range []struct {
		name    string
		from    *wire
		request string
		want    int
	}{
		{"alice", alice, good, 200},
		{"alice again: a retransmission", alice, good, 200},
		{"the same from elsewhere", mallory, strings.Replace(good, "z9hG4bKw", "z9hG4bKm", 1), 401},
		{"another contact, by what was overheard", mallory,
			mallory.register(aor, uri, theirs+right.line(c)), 401},
		{"the next count without the password", mallory, mallory.register(aor, uri, theirs+
			with(func(p *proof) { p.nc, p.password = 2, "guessed" }).line(c)), 401},
		{"alice by the next count", alice, alice.register(aor, uri, contact+
			with(func(p *proof) { p.nc = 2 }).line(c)), 200},
		{"a nonce of his own", mallory, mallory.register(aor, uri, theirs+right.line(forged)), 401},
		{"of another method", alice, alice.register(aor, uri, contact+
			with(func(p *proof) { p.nc, p.method = 3, "INVITE" }).line(c)), 401},
		{"for another URI", alice, alice.register(aor, uri, contact+
			with(func(p *proof) { p.nc, p.uri = 3, "sip:127.0.0.2" }).line(c)), 401},
		{"bob's address by alice's password", alice, alice.register("sip:bob@127.0.0.1", uri, contact+
			with(func(p *proof) { p.nc = 4 }).line(c)), 403},
		{"Basic", mallory, mallory.register(aor, uri, theirs+
			"Authorization: Basic YWxpY2U6c2VjcmV0X29mX2FsaWNl\r\n"), 401},
	} {
		m := tt.from.ask(tt.request)
		if m.Status() != tt.want {
			t.Errorf("%s: %d, want %d\n%s", tt.name, m.Status(), tt.want, m.Raw())
		}
		if m.Status() == 401 && strings.Contains(string(m.Get(sip.WWWAuthenticate)), "stale") {
			t.Errorf("%s: stale is said of a nonce that is not\n%s", tt.name, m.Raw())
		}
	}
	if got := s.metric("sipedge_bindings"); got != 1 {
		t.Errorf("%v bindings, want that of alice", got)
	}
	m := alice.ask(alice.register(aor, uri, with(func(p *proof) { p.nc = 5 }).line(c)))
	if list := contacts(m); len(list) != 1 || !strings.HasPrefix(list[0], "sip:a@") {
		t.Errorf("bound are %v\n%s", list, m.Raw())
	}
}

// A client of another make registers by each algorithm, and by the one it takes of several.
func TestDigestAlgorithms(t *testing.T) {
	for name, offered := range map[string]string{
		"MD5": "MD5", "SHA-256": "SHA-256", "SHA-512-256": "SHA-512-256",
		"all": "SHA-512-256, SHA-256, MD5",
	} {
		t.Run(name, func(t *testing.T) {
			policy := strings.Replace(registrarPolicy(t), "{kind: www, users: store,",
				"{kind: www, users: store, algorithms: ["+offered+"],", 1)
			s := startServer(t, policy)
			if got := sipgoRegisters(t, s, "secret_of_alice"); got != 200 {
				t.Errorf("with the password: %d", got)
			}
			if got := sipgoRegisters(t, s, "guessed"); got != 401 {
				t.Errorf("with another: %d", got)
			}
			if n := s.metric("sipedge_bindings"); n != 1 {
				t.Errorf("%v bindings", n)
			}
		})
	}
}

// sipgoRegisters has sipgo register alice, and returns the status it got in the end.
func sipgoRegisters(t *testing.T, s *server, password string) int {
	t.Helper()
	agent, err := sipgo.NewUA()
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	client, err := sipgo.NewClient(agent, sipgo.WithClientHostname("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	at := s.addr("udp", false)
	var to sipgosip.Uri
	if err := sipgosip.ParseUri("sip:alice@"+at.String(), &to); err != nil {
		t.Fatal(err)
	}
	request := sipgosip.NewRequest(sipgosip.REGISTER, to)
	for name, value := range map[string]string{
		"Contact": "<sip:alice@127.0.0.1:7000>", "To": "<sip:alice@127.0.0.1>",
		"From": "<sip:alice@127.0.0.1>;tag=g",
	} {
		request.AppendHeader(sipgosip.NewHeader(name, value))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	response, err := client.Do(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 401 {
		return response.StatusCode
	}
	response, err = client.DoDigestAuth(ctx, request, response,
		sipgo.DigestAuth{Username: "alice", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}
