package router

import (
	"strings"
	"testing"
	"time"

	"sipedge/sip"
)

const webphones = `version: 1
listen: [{ws: "10.0.0.9:8080"}, {tcp: "10.0.0.9:5060"}]
domains: [example.net]
nat: {end_with_connection: KIND}
routes:
  request:
    - match: {method: REGISTER}
      do: [{save: {location: STORE, received: RECEIVED}}]
    - do: [{lookup: {location: STORE}}, {relay: {}}]
`

// Who registered over a WebSocket is called over it, as long as it is there, whatever his Contact
// says; the end of another connection is the end of his binding only if the policy says so.
func TestBindingsEndWithConnections(t *testing.T) {
	for _, c := range []struct {
		by              sip.Transport
		kind            string
		store, received string
		ends            bool
	}{
		{sip.WS, "websockets", "contacts", "never", true},
		{sip.WS, "websockets", "slow", "auto", true},
		{sip.WS, "all", "contacts", "always", true},
		{sip.TCP, "all", "contacts", "auto", true},
		{sip.TCP, "all", "contacts", "never", false},
		{sip.TCP, "websockets", "contacts", "auto", false},
	} {
		policy := strings.NewReplacer("KIND", c.kind, "STORE", c.store, "RECEIVED", c.received).
			Replace(webphones)
		now := time.Unix(0, 0)
		w := &wire{listeners: Listeners(load(t, policy))}
		pool := NewPool(8, time.Second, nil)
		r := New(Config{
			Sender: w, Clock: func() time.Time { return now }, Locations: stored(), Pool: pool,
		})
		swap(t, r, policy)
		flow := alice
		flow.Transport, flow.Conn = c.by, 77
		if c.by == sip.TCP {
			flow.Listener = 1
		}
		bob := "sip:bob@example.net"
		settle := func() {
			for end := time.Now().Add(5 * time.Second); pool.Stats().Live > 0; {
				if time.Now().After(end) {
					t.Fatal("the pool does not come to rest")
				}
				time.Sleep(time.Millisecond)
			}
		}
		r.Receive(flow, []byte("REGISTER sip:example.net SIP/2.0\r\n"+
			"Via: SIP/2.0/"+c.by.ViaName()+" x.invalid;branch=z9hG4bK1\r\nFrom: <"+bob+">;tag=a\r\n"+
			"To: <"+bob+">\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n"+
			"Contact: <sip:bob@x.invalid;transport=ws>\r\nContent-Length: 0\r\n\r\n"))
		settle()
		call := func(id string) {
			w.ask(r, "INVITE "+bob, "CSeq: 1 INVITE", "Call-ID: "+id,
				"Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK"+id)
			settle()
		}
		call("2")
		if to := w.last; c.by == sip.WS && (to.Conn != 77 || !to.NoDial || to.Transport != sip.WS) {
			t.Errorf("bob is called at %+v, want connection 77 alone", to)
		}
		r.Closed(flow)
		settle()
		r.Advance(now)
		settle()
		call("3")
		ended := strings.Contains(strings.Join(w.sent, ""), "404 Not Found")
		if len(w.sent) == 0 || ended != c.ends {
			t.Errorf("%+v: bob called again: %q", c, w.sent)
		}
		pool.Close()
	}
}
