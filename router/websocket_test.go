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

// A client that names the port of its connection, where it does not listen, is called over that.
func TestCalledOverItsConnection(t *testing.T) {
	policy := strings.NewReplacer("KIND", "websockets", "STORE", "contacts", "RECEIVED", "auto").
		Replace(webphones)
	w := &wire{listeners: Listeners(load(t, policy))}
	r := New(Config{Sender: w, Locations: stored()})
	swap(t, r, policy)
	flow := alice
	flow.Transport, flow.Conn, flow.Listener = sip.TCP, 77, 1
	const bob = "sip:bob@example.net"
	r.Receive(flow, []byte("REGISTER sip:example.net SIP/2.0\r\n"+
		"Via: SIP/2.0/TCP "+flow.Remote.String()+";branch=z9hG4bK1\r\nFrom: <"+bob+">;tag=a\r\n"+
		"To: <"+bob+">\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n"+
		"Contact: <sip:bob@"+flow.Remote.String()+";transport=tcp>\r\nContent-Length: 0\r\n\r\n"))
	w.ask(r, "INVITE "+bob, "CSeq: 1 INVITE", "Call-ID: 2",
		"Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK2")
	if to := w.last; to.Conn != 77 || to.Transport != sip.TCP {
		t.Errorf("bob is called at %+v, want connection 77", to)
	}
}

// A server that begins anew does not offer the WebSockets of the one before: they went with it.
func TestBindingsOfWebSocketsEndWithTheServer(t *testing.T) {
	policy := strings.NewReplacer("KIND", "websockets", "STORE", "contacts", "RECEIVED", "auto").
		Replace(webphones)
	now := time.Unix(0, 0)
	locations := stored()
	start := func() (*Router, *wire) {
		w := &wire{listeners: Listeners(load(t, policy))}
		r := New(Config{Sender: w, Clock: func() time.Time { return now }, Locations: locations})
		swap(t, r, policy)
		r.Advance(now)
		return r, w
	}
	r, w := start()
	for i, by := range []sip.Transport{sip.WS, sip.TCP} {
		flow := alice
		flow.Transport, flow.Conn, flow.Listener = by, 77, uint16(i)
		aor := "sip:" + by.String() + "@example.net"
		r.Receive(flow, []byte("REGISTER sip:example.net SIP/2.0\r\n"+
			"Via: SIP/2.0/"+by.ViaName()+" x.invalid;branch=z9hG4bK"+by.String()+"\r\n"+
			"From: <"+aor+">;tag=a\r\nTo: <"+aor+">\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n"+
			"Contact: <sip:bob@x.invalid;transport="+by.String()+">\r\nContent-Length: 0\r\n\r\n"))
	}
	calls := func(want ...string) {
		t.Helper()
		for i, user := range []string{"ws", "tcp"} {
			w.ask(r, "INVITE sip:"+user+"@example.net", "CSeq: 1 INVITE", "Call-ID: c"+user,
				"Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKc"+user)
			if sent := strings.Join(w.sent, "\n"); !strings.Contains(sent, want[i]) {
				t.Errorf("%s is called: want %q, got %q", user, want[i], sent)
			}
		}
	}
	const called = "INVITE sip:bob@x.invalid"
	calls(called, called)
	now = now.Add(time.Minute)
	r, w = start()
	calls("404 Not Found", called)
	if n := r.FlowsEnded(); n != 1 {
		t.Errorf("%d bindings ended, want 1", n)
	}
}
