package router

import (
	"bytes"
	"io"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"sipedge/router/trace"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// null is a Sender that forgets.
type null struct {
	listeners []transport.Listener
	sent      atomic.Int64
}

func (n *null) Send(transport.Target, []byte, uint64) error { n.sent.Add(1); return nil }
func (n *null) Listeners() []transport.Listener             { return n.listeners }
func (n *null) Choose(sip.Transport, netip.Addr) uint16     { return 0 }

var options = []byte("OPTIONS sip:bob@10.0.0.2 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\n" +
	"From: <sip:alice@example.org>;tag=a\r\nTo: <sip:bob@example.net>\r\n" +
	"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")

// stateless are rules, and what of a message that they send shows which of them ran.
var stateless = []struct{ name, want, rules string }{
	{"reply", "\r\nX-From: 10.0.0.1\r\n", `[{match: {method: INVITE}, do: [{relay: {}}]},
      {do: [{reply: {code: 200, headers: {X-From: "{source.ip}"}}}]}]`},
	{"forward", "OPTIONS sip:alice@10.0.0.2 ",
		`[{match: {method: INVITE}, do: [{relay: {}}]},
      {do: [{set_user: "{from.user}"}, {add_header: {X: y}}, {forward: {to: "sip:10.0.0.2"}}]}]`},
	{"variables", "\r\nX: 10.0.0.2 a1\r\n", `
    [{do: [{set: {avp.n: "{cseq}", var.u: "{ruri}", var.ip: "{source.ip}"}},
      {push: {avp.s: "{callid | prefix(a)}"}}, {push: {avp.s: "{from.user}"}}, {pop: avp.s}]},
      {match: {vars: {avp.n: {min: 1}, var.ip: 10.0.0.0/8, avp.s: true}},
      do: [{reply: {code: 200, headers: {X: "{var.u | uri.host} {avp.s | default(none)}"}}}]},
      {do: [{drop: {}}]}]
vars: {avp.n: int, avp.s: string, var.u: uri, var.ip: ip}`},
	{"addresses", "\r\nX: pbx 2\r\n", `[{match: {source: {in: peers, group: 2}}, do: [
      {check_source_address:
        {table: peers, pattern: "{from.uri}", into: var.who, group_into: var.group}},
      {reply: {code: 200, headers: {X: "{var.who} {var.group}"}}}]},
      {do: [{drop: {}}]}]
vars: {var.who: string, var.group: int}
tables: {peers: {address: {values: [
  {grp: 2, ip: 10.0.0.0/8, pattern: "sip:*", context_info: pbx}]}}}`},
}

func quiet(t testing.TB, rules string) (*Router, *kept) {
	policy := head + "  request: " + rules + "\n"
	n := &kept{null: null{listeners: Listeners(load(t, policy))}}
	idle := &trace.Recorder{Log: slog.New(slog.NewTextHandler(io.Discard, nil))} // at level info
	r := New(Config{Sender: n, Wake: func(time.Time) {}, Trace: idle.Trace})
	swap(t, r, policy)
	return r, n
}

func TestStatelessAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools forget")
	}
	for _, c := range stateless {
		r, n := quiet(t, c.rules)
		if a := testing.AllocsPerRun(1000, func() { r.Receive(alice, options) }); a != 0 {
			t.Errorf("%s: %v allocations a message", c.name, a)
		}
		if n.sent.Load() < 1000 || r.Stats().Panics > 0 {
			t.Errorf("%s: sent %d, %+v", c.name, n.sent.Load(), r.Stats())
		}
		if !bytes.Contains(n.last, []byte(c.want)) {
			t.Errorf("%s: want %q in what is sent, got\n%s", c.name, c.want, n.last)
		}
	}
}

func BenchmarkStateless(b *testing.B) {
	for _, c := range stateless {
		b.Run(c.name, func(b *testing.B) {
			r, _ := quiet(b, c.rules)
			b.ReportAllocs()
			for b.Loop() {
				r.Receive(alice, options)
			}
		})
	}
}
