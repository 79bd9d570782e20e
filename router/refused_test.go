package router

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sipedge/router/trace"
	"sipedge/sip/transport/mem"
)

// debugged makes a router that logs, at a level, to what it returns.
func debugged(t *testing.T, level slog.Level, policy string) (*Router, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level}))
	recorder := &trace.Recorder{Log: logger}
	net := mem.New(mem.Config{})
	r := New(Config{
		Sender: &wire{listeners: Listeners(load(t, policy))}, Clock: net.Now,
		Wake: func(time.Time) {}, Resolver: names{net}, Pool: later{net}, Locations: stored(),
		Log: logger, Trace: recorder.Trace,
	})
	swap(t, r, policy)
	return r, log
}

const refusing = `version: 1
listen: [{udp: "10.0.0.9:5060"}]
domains: [example.net]
deny_targets: [10.0.7.0/24]
users: {people: {alice@example.org: {password: secret}}}
routes:
  request:
    - match: {method: REGISTER}
      do: [{save: {location: contacts}}]
    - match: {method: PUBLISH}
      do: [{authenticate: {users: people}}, {reply: {code: 200}}]
    - match: {method: MESSAGE}
      do: [{forward: {}}]
    - do: [{relay: {}}]
`

// The log says at debug, and never else, why the router refused what no rule refused.
func TestRefusalsLogged(t *testing.T) {
	const guard = "the destination guard: "
	for _, tt := range []struct{ start, field, want string }{
		{"SIP/2.0 200 OK", "CSeq: 1 INVITE", "a response that belongs to no transaction"},
		{"INVITE sip:a@10.0.7.2 SIP/2.0", "CSeq: 1 INVITE", guard + "10.0.7.2 is in deny_targets"},
		{"MESSAGE sip:a@127.0.0.1 SIP/2.0", "CSeq: 1 MESSAGE", guard + "127.0.0.1 is loopback"},
		{"INVITE sip:example.net SIP/2.0", "CSeq: 1 INVITE\r\nRoute: <sip:10.0.0.3;lr>",
			"a Route of no dialog of ours, and the Request-URI is ours or was changed"},
		{"REGISTER sip:example.net SIP/2.0", "CSeq: 1 REGISTER\r\nContact: <sip:a@10.0.7.2>",
			guard + "10.0.7.2 is in deny_targets"},
		{"PUBLISH sip:example.net SIP/2.0", "CSeq: 1 PUBLISH",
			`no credentials, realm \"example.org\"`},
	} {
		message := []byte(tt.start + "\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa\r\n" +
			"From: <sip:alice@example.org>;tag=a\r\nTo: <sip:a@example.net>\r\nCall-ID: told\r\n" +
			tt.field + "\r\nContent-Length: 0\r\n\r\n")
		r, log := debugged(t, slog.LevelDebug, refusing)
		r.Receive(alice, message)
		want := `level=DEBUG msg=refused why="` + tt.want + `" call_id=told`
		if !strings.Contains(log.String(), want) ||
			!strings.Contains(log.String(), `msg=received message="`+tt.start+`"`) {
			t.Errorf("%s: want %s in\n%s", tt.start, want, log)
		}
		r, log = debugged(t, slog.LevelInfo, refusing)
		if r.Receive(alice, message); log.Len() > 0 {
			t.Errorf("%s: logged at info: %s", tt.start, log)
		}
	}
}

// A stray response costs nothing that lasts while nobody listens.
func TestStrayAllocatesNothing(t *testing.T) {
	r, _ := debugged(t, slog.LevelInfo, refusing)
	stray := []byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKa\r\n" +
		"From: <sip:a@h>;tag=a\r\nTo: <sip:b@h>;tag=b\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n" +
		"Content-Length: 0\r\n\r\n")
	if n := testing.AllocsPerRun(100, func() { r.Receive(alice, stray) }); n > 0 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
}
