package transaction

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// The conversations in testdata are txtar files, run in virtual time. What
// stands before the first block says what is shown; its lines of the form
// "name: value" set transport (udp, tcp), max, fr_timer, fr_inv_timer and
// accept (no: requests stay without a transaction).
//
// Blocks that do, in order; "at 2s" may follow and moves the time there:
//
//	-- tu → --    METHOD        Branch and Send a request
//	              180           Reply with that status; header lines are added
//	              cancel        Cancel; header lines are its extra
//	              accept, drop, abandon
//	-- wire → --  METHOD        a request arrives; header lines replace those
//	                            it would have
//	              180 METHOD    a response to the last such request we sent
//	              fails         what was sent last under a reference failed
//	              refuses       from now on Send gives an error
//	-- advance -- needs a time, which is reached in one call of Advance
//
// Blocks that expect, each with the times "at 0s 0.5s" it happens:
//
//	-- → wire at … --  METHOD or 180 METHOD; header lines must be in it
//	-- → tu at … --    180 METHOD, request METHOD, stray 180 METHOD, cancelled,
//	                   ended, error and its text, and errors of calls
//
// Nothing else may happen. Time goes on by Advance, at the times it asks for,
// until nothing is armed; then no transaction and no buffer may be left
// beyond "left: n".
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no conversations", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			converse(t, a)
		})
	}
}

// An event is something that left the layer.
type event struct {
	at      time.Duration
	text    string // "→ wire INVITE"
	message []byte
	headers []string // of an expected one
}

func (e event) String() string { return fmt.Sprintf("%v %s", e.at, e.text) }

func converse(t *testing.T, a *txtar.Archive) {
	w := newWorld(t, options(string(a.Comment)))
	var want []event
	for _, f := range a.Files {
		kind, times := block(t, f.Name)
		lines := strings.Split(strings.TrimSpace(string(f.Data)), "\n")
		if strings.HasPrefix(kind, "→") {
			for _, at := range times {
				want = append(want, event{at: at, text: kind + " " + lines[0], headers: lines[1:]})
			}
			continue
		}
		switch {
		case kind == "advance":
			w.now = w.start.Add(times[0])
			w.next = w.l.Advance(w.now)
			continue
		case len(times) > 0:
			w.until(times[0])
		}
		switch kind {
		case "tu →":
			w.user(lines)
		case "wire →":
			w.wire(lines)
		default:
			t.Fatalf("block %q", f.Name)
		}
	}
	w.until(time.Hour)
	slices.SortStableFunc(want, func(a, b event) int { return int(a.at - b.at) })
	compare(t, want, w.log)
	checkLeft(t, w.l, w.left)
}

func compare(t *testing.T, want, got []event) {
	t.Helper()
	texts := func(events []event) (s []string) {
		for _, e := range events {
			s = append(s, e.String())
		}
		return s
	}
	if d := cmp.Diff(texts(want), texts(got)); d != "" {
		t.Fatalf("want -, got +\n%s", d)
	}
	for i, e := range want {
		for _, h := range e.headers {
			if !strings.Contains(string(got[i].message), "\r\n"+h+"\r\n") {
				t.Errorf("%v: no %q in\n%s", e, h, got[i].message)
			}
		}
	}
}

// checkLeft wants n transactions, no timer but theirs and no buffer but
// theirs.
func checkLeft(t rapid.TB, l *Layer, n int) {
	t.Helper()
	var slots, armed, bufs, unanswered int
	for i := range l.shard {
		slots += l.shard[i].slots.Live()
		armed += l.shard[i].wheel.armed
		bufs += l.shard[i].bufs.Live()
		all := &l.shard[i].slots
		for at := all.Next(0); at != 0; at = all.Next(at) {
			if all.At(at).counts() {
				unanswered++
			}
		}
	}
	s := l.Stats()
	live := int(s.LiveClients + s.LiveServers)
	if slots != n || live != n || int(l.live.Load()) != n || armed > n || bufs > 2*n {
		t.Errorf("%d slots (stats %d, %d), %d timers, %d buffers, want %d",
			slots, live, l.live.Load(), armed, bufs, n)
	}
	if int(s.Unanswered) != unanswered {
		t.Errorf("%d unanswered are counted, there are %d", s.Unanswered, unanswered)
	}
}

// block splits "tu → at 1s 2s".
func block(t *testing.T, name string) (kind string, times []time.Duration) {
	kind, at, _ := strings.Cut(name, " at ")
	for _, f := range strings.Fields(at) {
		d, err := time.ParseDuration(f)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, d)
	}
	return kind, times
}

func options(comment string) map[string]string {
	o := map[string]string{"transport": "udp"}
	for line := range strings.Lines(comment) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			o[name] = value
		}
	}
	return o
}

// A world is one layer with its Sender and User in virtual time.
type world struct {
	t          *testing.T
	l          *Layer
	start, now time.Time
	next       time.Time // when the owner will call Advance
	log        []event

	transport  sip.Transport
	options    Options
	stateless  bool
	refuses    bool
	left       int
	client     Client
	server     Server
	request    sip.Message // that server was made for
	sent       map[string][]byte
	ref        uint64
	downstream transport.Target
	upstream   transport.Flow
}

const testWord = 4711

func newWorld(t *testing.T, o map[string]string) *world {
	w := &world{t: t, start: time.Unix(1_000_000_000, 0), sent: map[string][]byte{}}
	w.now = w.start
	w.transport = sip.LookupTransport([]byte(o["transport"]))
	w.stateless = o["accept"] == "no"
	w.options = Options{Word: testWord}
	w.options.FinalWait, _ = time.ParseDuration(o["fr_timer"])
	w.options.InviteWait, _ = time.ParseDuration(o["fr_inv_timer"])
	w.downstream = transport.Target{
		Transport: w.transport, Remote: netip.MustParseAddrPort("192.0.2.2:5060"), Conn: 2,
	}
	w.upstream = transport.Flow{
		Transport: w.transport, Remote: netip.MustParseAddrPort("[2001:db8::1]:5062"), Conn: 1,
	}
	var limit int
	fmt.Sscan(o["max"], &limit)
	fmt.Sscan(o["left"], &w.left)
	w.l = New(Config{
		Sender: w, User: w, Max: limit, Secret: [16]byte{1},
		Clock: func() time.Time { return w.now },
		Wake: func(at time.Time) {
			if w.next.IsZero() || at.Before(w.next) {
				w.next = at
			}
		},
	})
	return w
}

// until lets the time pass as an owner does.
func (w *world) until(at time.Duration) {
	end := w.start.Add(at)
	for !w.next.IsZero() && !w.next.After(end) {
		if w.next.After(w.now) {
			w.now = w.next
		}
		w.next = w.l.Advance(w.now)
	}
	if at < time.Hour {
		w.now = end
	}
}

func (w *world) note(message []byte, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.log = append(w.log, event{at: w.now.Sub(w.start), text: text, message: slices.Clone(message)})
}

// What the User does.

func (w *world) user(lines []string) {
	verb, headers := lines[0], lines[1:]
	var err error
	switch {
	case verb == "cancel":
		err = w.l.Cancel(w.client, []byte(crlf(headers)))
	case verb == "accept":
		_, err = w.l.Accept(w.upstream, &w.request, w.upstream.Target(), testWord)
	case verb == "drop":
		err = w.l.Drop(w.server)
	case verb == "abandon":
		w.client, _, err = w.l.Branch(nil, nil)
		w.l.Abandon(w.client)
	case verb[0] < 'A':
		var status int
		fmt.Sscan(verb, &status)
		var tag []byte
		if status > 100 {
			tag = []byte("b")
		}
		extra := []byte(crlf(headers))
		b := sip.AppendReply(nil, &w.request, status, "", tag, extra)
		err = w.l.Reply(w.server, status, b)
	default:
		var branch []byte
		w.client, branch, err = w.l.Branch(nil, []byte(".loop"))
		if err == nil {
			b := message(w.transport, verb, append(headers, w.via("edge.example.org", branch)))
			var m sip.Message
			parse(w.t, &m, b)
			err = w.l.Send(w.client, &m, w.downstream, b, w.options)
		}
	}
	if err != nil {
		w.note(nil, "→ tu %s: %v", verb, err)
	}
}

func (w *world) via(host string, branch []byte) string {
	return fmt.Sprintf("Via: SIP/2.0/%s %s;branch=%s", w.transport.ViaName(), host, branch)
}

// What comes from the network.

func (w *world) wire(lines []string) {
	var m sip.Message
	verb, headers := lines[0], lines[1:]
	switch {
	case verb == "fails":
		w.l.TransportFailed(w.ref, errors.New("connection refused"))
		return
	case verb == "refuses":
		w.refuses = true
		return
	case verb[0] < 'A':
		var status int
		var method string
		fmt.Sscan(verb, &status, &method)
		var request sip.Message
		parse(w.t, &request, w.sent[method])
		b := sip.AppendReply(nil, &request, status, "", []byte("b"), []byte(crlf(headers)))
		if strings.Contains(crlf(headers), "CSeq: ") { // instead of its own
			b = bytes.Replace(b, []byte("CSeq: 7 "+method+"\r\n"), nil, 1)
		}
		parse(w.t, &m, b)
	default:
		parse(w.t, &m, message(w.transport, verb, headers))
		m.MarkReceived(w.upstream.Remote, false)
	}
	w.l.Receive(w.upstream, &m)
}

func parse(t testing.TB, m *sip.Message, b []byte) {
	t.Helper()
	if err := m.Parse(b); err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
}

func crlf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}

// message makes a whole request; lines replace the header fields they name
// and, as "sip:…", the Request-URI.
func message(tr sip.Transport, method string, lines []string) []byte {
	uri := "sip:bob@example.org"
	fields := []string{
		"Via: SIP/2.0/" + tr.ViaName() + " client.example.org:5062;branch=z9hG4bKclient",
		"From: <sip:alice@example.org>;tag=a",
		"To: <sip:bob@example.org>",
		"Call-ID: 1@client.example.org",
		"CSeq: 7 " + method,
		"Max-Forwards: 70",
		"Content-Length: 0",
	}
	for _, line := range lines {
		name, _, _ := strings.Cut(line, ": ")
		i := slices.IndexFunc(fields, func(f string) bool { return strings.HasPrefix(f, name+": ") })
		switch {
		case strings.HasPrefix(line, "sip:"):
			uri = line
		case i < 0:
			fields = slices.Insert(fields, 1, line)
		default:
			fields[i] = line
		}
	}
	return []byte(method + " " + uri + " SIP/2.0\r\n" + crlf(fields) + "\r\n")
}

// The world as Sender.

func (w *world) Send(t transport.Target, b []byte, ref uint64) error {
	var m sip.Message
	parse(w.t, &m, b)
	want := w.downstream
	if !m.IsRequest() {
		want = w.upstream.Target()
	}
	if t != want {
		w.t.Errorf("%s sent to %v, want %v", title(&m), t, want)
	}
	if w.refuses {
		return transport.ErrClosed
	}
	if m.IsRequest() {
		w.sent[m.Method().String()] = slices.Clone(b)
	}
	if ref != 0 {
		w.ref = ref
	}
	w.note(b, "→ wire %s", title(&m))
	return nil
}

func (w *world) Listeners() []transport.Listener { return nil }

func (w *world) Choose(sip.Transport, netip.Addr) uint16 { return transport.AnyListener }

func title(m *sip.Message) string {
	if m.IsRequest() {
		return m.Method().String()
	}
	return fmt.Sprintf("%d %v", m.Status(), m.Method())
}

// The world as User.

func (w *world) Request(f transport.Flow, m *sip.Message) {
	w.note(m.Raw(), "→ tu request %s", title(m))
	if w.stateless || m.Method() == sip.ACK {
		return
	}
	s, err := w.l.Accept(f, m, f.Target(), testWord)
	if err != nil {
		w.note(nil, "→ tu accept: %v", err)
		return
	}
	w.server = s
	w.request.CopyFrom(m)
}

func (w *world) Cancelled(s Server, word uint64, _ *sip.Message) {
	w.expect(s == w.server, word)
	w.note(nil, "→ tu cancelled")
}

func (w *world) Response(c Client, word uint64, _ transport.Flow, m *sip.Message, err error) {
	w.expect(c == w.client, word)
	if err != nil {
		w.note(nil, "→ tu error %v", err)
		return
	}
	w.note(m.Raw(), "→ tu %s", title(m))
}

func (w *world) Stray(_ transport.Flow, m *sip.Message) {
	w.note(m.Raw(), "→ tu stray %s", title(m))
}

func (w *world) Ended(_ Server, word uint64) {
	w.expect(true, word)
	w.note(nil, "→ tu ended")
}

func (w *world) expect(ours bool, word uint64) {
	if !ours || word != testWord {
		w.t.Errorf("another transaction, word %d", word)
	}
}
