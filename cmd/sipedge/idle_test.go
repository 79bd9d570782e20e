package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/sip"
)

const (
	idleFor = 3 * time.Second  // limits.idle
	lives   = 10 * time.Second // a binding that is meant to hold a connection
)

// mute is a phone over a connection, which says nothing that it is not told to.
type mute struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	cseq *int
	last time.Time // before it last said something
}

func dialMute(t *testing.T, s *server, cseq *int) *mute {
	p := &mute{t: t, cseq: cseq, last: time.Now()}
	var err error
	if p.conn, err = net.Dial("tcp", s.addr("tcp", false).String()); err != nil {
		t.Error(err)
		p.conn, _ = net.Pipe() // to nobody
		p.conn.Close()
	}
	p.conn.SetDeadline(time.Now().Add(time.Minute))
	p.r = bufio.NewReader(p.conn)
	return p
}

// register asks for a Contact to live for a time, and fails the test unless the answer is that. ""
// is none, and own the one that names the port of the connection.
func (p *mute) register(user, contact string, expires time.Duration, want int) {
	p.t.Helper()
	at := "10.99.0.2"
	if contact == "own" {
		at = p.conn.LocalAddr().String()
	}
	if contact != "" {
		contact = fmt.Sprintf("Contact: <sip:%s@%s;transport=tcp>;expires=%d\r\n", contact, at,
			expires/time.Second)
	}
	*p.cseq++
	p.last = time.Now()
	fmt.Fprintf(p.conn, "REGISTER sip:example.net SIP/2.0\r\n"+
		"Via: SIP/2.0/TCP 10.99.0.2;branch=z9hG4bK%s%d\r\nFrom: <sip:%s@example.net>;tag=a\r\n"+
		"To: <sip:%s@example.net>\r\nCall-ID: %s\r\nCSeq: %d REGISTER\r\n%sContent-Length: 0\r\n\r\n",
		user, *p.cseq, user, user, user, *p.cseq, contact)
	var b []byte
	for !strings.HasSuffix(string(b), "\r\n\r\n") {
		line, err := p.r.ReadBytes('\n')
		if err != nil {
			p.t.Errorf("%s: no answer: %v", user, err)
			return
		}
		b = append(b, line...)
	}
	var m sip.Message
	if err := m.Parse(b); err != nil || m.Status() != want {
		p.t.Errorf("%s: want %d, got %v\n%s", user, want, err, b)
	}
}

// ends is how long after its last request the server ended the connection.
func (p *mute) ends() (time.Duration, error) {
	_, err := p.r.ReadByte()
	if err == io.EOF {
		err = nil
	}
	return time.Since(p.last), err
}

// A connection that a binding hangs on, of a phone that sends no keep-alives, is not idle before
// that expires; every other one is, as limits.idle says.
func TestIdleRegistered(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for name, persist := range map[string]string{
		"in memory": "", "written back": "persist: write_back, database: store",
		"in the database": "persist: database_only, database: store",
	} {
		db := sqliteDatabase(t)
		sipedge(t, "", "db", "init", "--db", db.url)
		s := startServer(t, testHead+fmt.Sprintf(`
domains: [example.net]
limits: {idle: %s}
backends: {store: %s, contacts: {memory: {%s}}}
routes:
  request:
    - match: {method: REGISTER}
      do: [{save: {location: contacts, min_expires: 2s}}]
    - do: [{reply: {code: 405}}]
`, idleFor, db.settings, persist), "--state", t.TempDir())
		for user, c := range idleCases {
			all.Go(func() { c.play(t, s, name, user) })
		}
	}
	all.Wait()
}

// idleCase is a phone that does something, over a connection or two of its own.
type idleCase struct {
	does func(first, second *mute, user string)
	held [2]bool // which of them are
}

var idleCases = map[string]idleCase{
	"registered": {func(first, _ *mute, user string) {
		first.register(user, "a", lives, 200)
	}, [2]bool{true, false}},
	"registered-at-its-port": {func(first, _ *mute, user string) {
		first.register(user, "own", lives, 200)
	}, [2]bool{true, false}},
	"asks": {func(first, _ *mute, user string) {
		first.register(user, "", 0, 200)
	}, [2]bool{}},
	"asks-of-another": {func(first, second *mute, user string) {
		second.register(user, "a", lives, 200)
		first.register(user, "", 0, 200)
	}, [2]bool{false, true}},
	"refused": {func(first, _ *mute, user string) {
		first.register(user, "a", time.Second, 423)
	}, [2]bool{}},
	"two": {func(first, _ *mute, user string) {
		first.register(user, "a", 2*time.Second, 200)
		first.register(user+"-again", "a", lives, 200)
		first.register(user, "b", 2*time.Second, 200)
	}, [2]bool{true, false}},
	"shortened": {func(first, _ *mute, user string) {
		first.register(user, "a", time.Hour, 200)
		first.register(user, "a", 2*time.Second, 200)
	}, [2]bool{}},
	"removed": {func(first, _ *mute, user string) {
		first.register(user, "a", time.Hour, 200)
		first.register(user, "a", 0, 200)
	}, [2]bool{}},
	"removed-by-another": {func(first, second *mute, user string) {
		first.register(user, "a", time.Hour, 200)
		second.register(user, "a", 0, 200)
	}, [2]bool{}},
	"moved": {func(first, second *mute, user string) {
		first.register(user, "a", time.Hour, 200)
		second.register(user, "a", lives, 200)
	}, [2]bool{false, true}},
}

// play has a phone do what it does, and looks when its connections end.
func (c *idleCase) play(t *testing.T, s *server, name, user string) {
	var cseq int
	phones := [2]*mute{dialMute(t, s, &cseq), dialMute(t, s, &cseq)}
	c.does(phones[0], phones[1], user)
	var all sync.WaitGroup
	for i, held := range c.held {
		all.Go(func() {
			defer phones[i].conn.Close()
			switch took, err := phones[i].ends(); {
			case err != nil:
				t.Errorf("%s, %s: connection %d, held %t: %v", name, user, i, held, err)
			case held && took < lives-time.Millisecond: // bindings have no more than that
				t.Errorf("%s, %s: connection %d ended after %v, though a binding hangs on it",
					name, user, i, took)
			case !held && (took < idleFor || took >= lives):
				t.Errorf("%s, %s: connection %d ended after %v, want soon after %v",
					name, user, i, took, idleFor)
			}
		})
	}
	all.Wait()
}
