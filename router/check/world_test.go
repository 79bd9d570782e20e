package check_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sipedge/router"
	"sipedge/router/check/example"
	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

// world is a real router whose peers answer what it sends on as an example says.
type world struct {
	tb        testing.TB
	router    *router.Router
	own       *identity.Router
	listeners []transport.Listener
	now       time.Time
	trace     *job.Trace // nil: of no message
	answers   []example.Answer
	seen      map[string]bool // branches
	soon      []func()
	lines     int   // requests sent that were answered
	left      int   // requests sent
	statuses  []int // of replies sent
}

var secret = [32]byte{7}

func newWorld(tb testing.TB, doc *schema.Document) *world {
	w := &world{
		tb: tb, listeners: router.Listeners(doc), now: time.Unix(1e9, 0), seen: map[string]bool{},
	}
	w.own = identity.New(w.listeners, secret[:])
	w.router = router.New(router.Config{
		Sender: w, Resolver: w, Pool: w, Secret: secret,
		Clock: func() time.Time { return w.now }, Wake: func(time.Time) {},
		Trace: func(transport.Flow, *sip.Message) *job.Trace { return w.trace },
	})
	policy, diags := w.router.Compile(doc)
	if policy == nil {
		tb.Fatal(diags)
	}
	w.router.Swap(policy)
	return w
}

func (w *world) Listeners() []transport.Listener { return w.listeners }

func (w *world) Choose(t sip.Transport, remote netip.Addr) uint16 {
	i := slices.IndexFunc(w.listeners, func(l transport.Listener) bool {
		return l.Transport == t && l.Addr.Addr().Is4() == remote.Is4()
	})
	if i < 0 {
		return transport.AnyListener
	}
	return uint16(i)
}

func (w *world) Cached(dst []resolve.Hop, q resolve.Query) ([]resolve.Hop, bool, error) {
	t := q.Transport
	switch {
	case q.Secure:
		t = sip.TLS
	case t == sip.NoTransport:
		t = sip.UDP
	}
	a, err := netip.ParseAddr(q.Host)
	if err != nil {
		a = netip.MustParseAddr("198.18.0.1")
	}
	return append(dst, resolve.Hop{Transport: t, Addr: netip.AddrPortFrom(a, 5060)}), true, nil
}

func (w *world) Lookup(_ context.Context, q resolve.Query) ([]resolve.Hop, error) {
	hops, _, err := w.Cached(nil, q)
	return hops, err
}

func (w *world) Go(f func(context.Context)) bool {
	w.soon = append(w.soon, func() { f(context.Background()) })
	return true
}

// Send answers a request that is sent on, the first time it sees it.
func (w *world) Send(t transport.Target, b []byte, _ uint64) error {
	var m sip.Message
	if err := m.Parse(bytes.Clone(b)); err != nil {
		return err
	}
	if !m.IsRequest() {
		w.statuses = append(w.statuses, m.Status())
		return nil
	}
	w.left++
	via, _ := m.TopVia()
	if w.seen[string(via.Branch)] || m.Method() == sip.ACK || m.Method() == sip.CANCEL ||
		w.lines >= len(w.answers) {
		return nil
	}
	w.seen[string(via.Branch)] = true
	a := w.answers[w.lines]
	switch w.lines++; a.Cause {
	case "transport":
		return errors.New("refused")
	case "timeout":
		return nil
	}
	var extra strings.Builder
	for _, f := range a.Fields {
		extra.WriteString(f + "\r\n")
	}
	reply := sip.AppendReply(nil, &m, a.Status, "", []byte("peer"), []byte(extra.String()))
	if a.Flow.Remote.IsValid() && !a.Tag {
		reply = untagged.ReplaceAll(reply, []byte("$1\r\n"))
	}
	if a.Body != "" {
		reply = bytes.Replace(reply, []byte("Content-Length: 0\r\n\r\n"),
			[]byte("Content-Length: "+decimal(len(a.Body))+"\r\n\r\n"+a.Body), 1)
	}
	from := transport.Flow{
		Transport: t.Transport, Listener: t.Listener, Conn: t.Conn,
		Local: w.listeners[t.Listener].Addr, Remote: t.Remote,
	}
	if a.Flow.Remote.IsValid() {
		from = a.Flow
	}
	w.soon = append(w.soon, func() { w.router.Receive(from, reply) })
	return nil
}

var untagged = regexp.MustCompile(`(\nTo: [^\r]*>);tag=[^\r]*\r\n`)

// rule is one that matched.
type rule struct {
	route string // as verdicts have it
	index int
}

// play sends an example and returns the rules that matched, in order.
func (w *world) play(m *example.Message) (hit []rule) {
	w.trace = &job.Trace{}
	w.send(m)
	w.trace.Matched(func(r *job.Run, try *job.Try) {
		name := r.Type
		if r.Route != "" && r.Route != r.Type {
			name += " " + r.Route
		}
		hit = append(hit, rule{name, try.Index})
	})
	return hit
}

// send sends an example, and lets time pass until nothing is left to come.
func (w *world) send(m *example.Message) {
	w.answers, w.lines, w.soon = m.Answers, 0, nil
	clear(w.seen)
	w.router.Receive(m.Flow, w.signed(m))
	for {
		for len(w.soon) > 0 {
			f := w.soon[0]
			w.soon = w.soon[1:]
			f()
		}
		if w.lines == 0 && w.router.Idle() {
			return
		}
		next := w.router.Advance(w.now)
		if next.IsZero() {
			return
		}
		w.now = next
	}
}

// noTag stands where the tag is to be.
var noTag = strings.Repeat("0", 16)

// signed is the text of an example, the tag of a Route of ours put in.
func (w *world) signed(m *example.Message) []byte {
	if m.Verified == "" {
		return m.Text
	}
	var msg sip.Message
	_ = msg.Parse(bytes.Clone(m.Text)) // it may be malformed elsewhere
	stamp := identity.Stamp{
		RecordRoute: new(job.RecordRoute), Direction: job.Downstream, Params: ownParams(m.Text),
	}
	if m.Verified == "upstream" {
		stamp.Direction = job.Upstream
	}
	stamp.Mark(w.own, &msg, nil, identity.Side{}, identity.Side{})
	_, tag, _ := strings.Cut(string(msg.Get(sip.RecordRoute)), ";t=")
	return bytes.Replace(m.Text, []byte(noTag), []byte(tag[:len(noTag)]), 1)
}

// ownParams are the parameters of the URI that is to bear a tag, without those of the engine.
func ownParams(text []byte) []byte {
	before, after, _ := bytes.Cut(text, []byte(noTag))
	before = before[bytes.LastIndex(before, []byte("sip:")):]
	after = after[:bytes.IndexAny(after, "> ")]
	var params []byte
	for p := range bytes.SplitSeq(append(bytes.Clone(before), after...), []byte(";")) {
		name, _, _ := bytes.Cut(p, []byte("="))
		if !slices.Contains([]string{"lr", "t", "transport"}, string(name)) && name[0] != 's' {
			params = append(append(params, ';'), p...)
		}
	}
	return params
}

func decimal(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + string(rune('0'+n%10))
}
