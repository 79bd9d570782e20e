package sip

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	peer "github.com/emiago/sipgo/sip"
)

// The same work by github.com/emiago/sipgo, as its users call it and as its transports write.

// maxOfPeer is the share of the peer's time that ours may take.
const maxOfPeer = 0.15

func peerForward(p *peer.Parser, out *bytes.Buffer, raw []byte) error {
	m, err := p.ParseSIP(raw)
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *peer.Request:
		m.ReplaceHeader(peer.NewHeader("User-Agent", string(agent)))
		peerRelay(m)
	case *peer.Response:
		m.ReplaceHeader(peer.NewHeader("User-Agent", string(agent)))
		m.RemoveHeader("Via")
	}
	out.Reset()
	m.StringWrite(out)
	return nil
}

func peerRelay(m *peer.Request) {
	if via := m.Via(); via.Params.Has("rport") || via.Host != peerSource {
		via.Params.Add("received", peerSource)
		if via.Params.Has("rport") {
			via.Params.Add("rport", strconv.Itoa(int(source.Port())))
		}
	}
	m.Recipient.Host = string(nextHop)
	m.MaxForwards().Dec()
	m.RemoveHeader("Route")
	m.PrependHeader(
		&peer.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP",
			Host: "edge.example.com", Params: peer.HeaderParams{{K: "branch", V: "z9hG4bK4b43c2ff8.1"}}},
		peer.NewHeader("Record-Route", string(ownRoute)),
	)
}

var peerSource = source.Addr().String()

// Both read the same of every message and send on the same: like is measured with like.
func TestPeer(t *testing.T) {
	for _, k := range kinds {
		var m Message
		var n needs
		raw := []byte(k.text)
		if !parseAll(&m, &n, raw) {
			t.Fatalf("%s: %v", k.name, m.err)
		}
		p, err := peer.ParseMessage(raw)
		if err != nil {
			t.Fatalf("%s: %v", k.name, err)
		}
		if got, want := n.String(), peerNeeds(p); got != want {
			t.Errorf("%s:\n%s\nthe peer reads\n%s", k.name, got, want)
		}
		out, _ := parseForward(&m, raw, nil)
		var sent bytes.Buffer
		if err := peerForward(peer.NewParser(), &sent, raw); err != nil {
			t.Fatalf("%s: %v", k.name, err)
		}
		if got, want := sentOn(t, out), sentOn(t, sent.Bytes()); got != want {
			t.Errorf("%s:\n%s\nthe peer sends\n%s", k.name, got, want)
		}
	}
}

func (n *needs) String() string {
	return fmt.Sprintf("%s %d %s@%s\nvia %s %s\nfrom %s %s\nto %s %s\n%s %d hops %d\nroute %s\n%s",
		n.method, n.status, n.user, n.host, n.sentBy, n.branch, n.from, n.fromTag, n.to, n.toTag,
		n.callID, n.seq, n.forwards, n.route, n.body)
}

func peerNeeds(m peer.Message) string {
	n := needs{method: LookupMethod([]byte(m.CSeq().MethodName)), body: m.Body(),
		callID: []byte(m.CallID().Value()), seq: m.CSeq().SeqNo, sentBy: []byte(m.Via().Host),
		branch: []byte(m.Via().Params.GetOr("branch", ""))}
	switch m := m.(type) {
	case *peer.Request:
		n.user, n.host = []byte(m.Recipient.User), []byte(m.Recipient.Host)
		n.forwards = int(m.MaxForwards().Val())
		if r := m.Route(); r != nil {
			n.route = []byte(r.Address.String())
		}
	case *peer.Response:
		n.status = m.StatusCode
	}
	from, to := m.From(), m.To()
	n.from, n.fromTag = []byte(from.Address.String()), []byte(from.Params.GetOr("tag", ""))
	n.to, n.toTag = []byte(to.Address.String()), []byte(to.Params.GetOr("tag", ""))
	return n.String()
}

// sentOn is what a message says that was sent on, however it is written.
func sentOn(t *testing.T, raw []byte) string {
	t.Helper()
	m := mustParse(t, string(raw))
	var n needs
	if !n.read(m) {
		t.Fatalf("malformed:\n%s", raw)
	}
	text := n.String()
	for e, ok := m.FirstElement(Via); ok; e, ok = m.NextElement(e) {
		v, _ := ParseVia(e.Value)
		text += fmt.Sprintf("\nVia: %s %s %d %s %s %d",
			v.Protocol, v.Host, v.Port, v.Branch, v.Received, v.RPort)
	}
	for _, id := range []HeaderID{RecordRoute, Route, UserAgent} {
		for e, ok := m.FirstElement(id); ok; e, ok = m.NextElement(e) {
			text += fmt.Sprintf("\n%s: %s", id, e.Value)
		}
	}
	return fmt.Sprintf("%s\n%d", text, m.Len())
}

// TestRatios measures both by turns, each in many short rounds of the same length, and takes
// the best round: what else runs on the machine only ever adds. One processor: what the
// collector costs is in the time of who makes it work.
func TestRatios(t *testing.T) {
	if os.Getenv("SIPEDGE_BENCH") != "1" {
		t.Skip("SIPEDGE_BENCH=1 measures")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	t.Logf("%-12s %5s %8s %18s %18s %6s %8s",
		"", "bytes", "", "ns [allocs]", "sipgo", "ratio", "median")
	for _, k := range kinds {
		var m Message
		var n needs
		p, raw := peer.NewParser(), []byte(k.text)
		out, sent := make([]byte, 0, 2*len(raw)), bytes.Buffer{}
		for _, work := range []struct {
			name         string
			ours, theirs func() bool
		}{
			{"parse", func() bool { return parseAll(&m, &n, raw) },
				func() bool { _, err := p.ParseSIP(raw); return err == nil }},
			{"forward", func() (ok bool) { out, ok = parseForward(&m, raw, out); return ok },
				func() bool { return peerForward(p, &sent, raw) == nil }},
		} {
			ours, theirs, median := interleaved(t, work.ours, work.theirs)
			allocs, theirAllocs := allocations(t, work.ours), allocations(t, work.theirs)
			ratio := ours / theirs
			t.Logf("%-12s %5d %8s %12.0f [%3.0f] %12.0f [%3.0f] %6.3f %8.3f", k.name, len(raw), work.name,
				ours, allocs, theirs, theirAllocs, ratio, median)
			if ratio > maxOfPeer || allocs > 0 {
				t.Errorf("%s %s: %.3f of the peer's time and %v allocations, want %v and 0",
					k.name, work.name, ratio, allocs, maxOfPeer)
			}
		}
	}
}

// interleaved returns the nanoseconds that a and b take at best, and the median of what a takes
// of b's next to it. A round is long enough for the collector to run in it.
func interleaved(t *testing.T, a, b func() bool) (bestA, bestB, median float64) {
	const rounds, length, batch = 200, 8 * time.Millisecond, 16
	round := func(work func() bool) float64 {
		calls, begin := 0, time.Now()
		for time.Since(begin) < length {
			for range batch {
				if !work() {
					t.Fatal("refused")
				}
			}
			calls += batch
		}
		return float64(time.Since(begin).Nanoseconds()) / float64(calls)
	}
	var ratios [rounds]float64
	bestA, bestB = math.Inf(1), math.Inf(1)
	for i := range ratios {
		ours, theirs := round(a), round(b)
		bestA, bestB, ratios[i] = min(bestA, ours), min(bestB, theirs), ours/theirs
	}
	slices.Sort(ratios[:])
	return bestA, bestB, ratios[rounds/2]
}

func allocations(t *testing.T, work func() bool) float64 {
	return testing.AllocsPerRun(100, func() {
		if !work() {
			t.Fatal("refused")
		}
	})
}

func BenchmarkPeerParse(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			p, raw := peer.NewParser(), []byte(k.text)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.ParseSIP(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPeerForward(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			p, raw := peer.NewParser(), []byte(k.text)
			var out bytes.Buffer
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := peerForward(p, &out, raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
