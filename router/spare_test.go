package router

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"sipedge/router/failed"
	"sipedge/sip/transport/mem"
)

// A 503 with Retry-After has its target left alone if it comes from there: who is called and forges
// its source has nobody left alone.
func TestSpareWhoWasAsked(t *testing.T) {
	const policy = head + `
  request: [{do: [{relay: {to: "sip:10.0.0.2"}}]}]
failed_targets: 30s
`
	for from, want := range map[string]int{"10.0.0.2:5060": 1, "10.0.0.77:5060": 0} {
		net := mem.New(mem.Config{})
		w := &wire{listeners: Listeners(load(t, policy)), net: net}
		memory := failed.New(net.Now)
		r := New(Config{
			Sender: w, Clock: net.Now, Wake: func(time.Time) {}, Resolver: names{net},
			Pool: later{net}, Failed: memory,
		})
		swap(t, r, policy)
		r.Receive(alice, []byte("OPTIONS sip:bob@example.org SIP/2.0\r\n"+
			"Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"+
			"From: <sip:alice@example.net>;tag=1\r\nTo: <sip:bob@example.org>\r\nCall-ID: 1\r\n"+
			"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"))
		_, rest, _ := strings.Cut(w.sent[len(w.sent)-1], "\r\n")
		source := alice
		source.Remote = netip.MustParseAddrPort(from)
		r.Receive(source, []byte("SIP/2.0 503 Service Unavailable\r\nRetry-After: 3600\r\n"+rest))
		if list := memory.List(); len(list) != want {
			t.Errorf("503 from %s: left alone %+v, want %d", from, list, want)
		}
	}
}
