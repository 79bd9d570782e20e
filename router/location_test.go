package router

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/memory"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
)

// stored finds a store of its own for every name but none.
func stored() func(string) backends.Locations {
	all := map[string]backends.Locations{}
	return func(name string) backends.Locations {
		switch name {
		case "none":
			return nil
		case "slow":
			if all[name] == nil {
				all[name] = slow{memory.New(backends.Names{})}
			}
			return all[name]
		case "broken":
			return unavailable{memory.New(backends.Names{})}
		}
		if all[name] == nil {
			all[name] = memory.New(backends.Names{})
		}
		return all[name]
	}
}

// unavailable is a store that can't answer.
type unavailable struct{ *memory.Store }

func (unavailable) Update(context.Context, []byte, time.Time, backends.Change) error {
	return backends.ErrUnavailable
}

func (unavailable) Lookup(context.Context, []byte, time.Time, *backends.Set) error {
	return backends.ErrUnavailable
}

// slow is a store that waits.
type slow struct{ *memory.Store }

func (slow) Traits() backends.Traits {
	return backends.Traits{UpdateWaits: true, LookupWaits: true}
}

// What a store that can't answer was asked is never taken for done, nor for not there.
func TestBrokenLocation(t *testing.T) {
	for _, c := range []struct{ do, request, want string }{
		{"{save: {location: broken}}", "REGISTER sip:example.net", "503 Service Unavailable"},
		{"{save: {location: broken, on_error: arm}}", "REGISTER sip:example.net", "500 Later"},
		{"{save: {location: broken, reply: false}}, {reply: {code: 200}}", "REGISTER sip:example.net",
			"503 Service Unavailable"},
		{"{lookup: {location: broken}}, {relay: {}}", "MESSAGE sip:bob@example.net",
			"503 Service Unavailable"},
		{"{lookup: {location: broken, on_error: arm}}, {relay: {}}", "MESSAGE sip:bob@example.net",
			"500 Later"},
		{"{unregister: {location: broken}}, {reply: {code: 200}}", "REGISTER sip:example.net",
			"503 Service Unavailable"},
		{"{unregister: {location: broken, on_error: arm}}, {reply: {code: 200}}",
			"REGISTER sip:example.net", "500 Later"},
	} {
		r, w := onWire(t, `version: 1
listen: [{udp: "10.0.0.9:5060"}]
routes:
  request:
    - match: {method: [REGISTER, MESSAGE]}
      do: [`+c.do+`]
    - do: [{reply: {code: 404}}]
  sub: {arm: [{do: [{reply: {code: 500, reason: Later}}]}]}
`)
		sent := w.ask(r, c.request, "Contact: <sip:bob@10.0.0.1>")
		if got := status(t, sent); got != c.want {
			t.Errorf("%s: want %s, got %s", c.do, c.want, got)
		}
		if again := strings.Contains(sent[0], "\r\nRetry-After: 10\r\n"); again !=
			strings.HasPrefix(c.want, "503") {
			t.Errorf("%s: answered\n%s", c.do, sent[0])
		}
	}
}

// A policy that says nothing of max_contacts has a bound all the same.
func TestContactsBounded(t *testing.T) {
	r, w := onWire(t, `version: 1
listen: [{udp: "10.0.0.9:5060"}]
routes: {request: [{do: [{save: {location: contacts}}]}]}
`)
	for port := 1; port <= 101; port += 20 {
		want := "200 OK"
		var contacts []string
		for i := range 20 {
			contacts = append(contacts, fmt.Sprintf("<sip:bob@10.0.0.1:%d>", port+i))
		}
		if port == 101 {
			want = "503 Too Many Bindings"
		}
		sent := w.ask(r, "REGISTER sip:example.net", "Contact: "+strings.Join(contacts, ", "))
		if got := status(t, sent); got != want {
			t.Errorf("from %d: want %s, got %s", port, want, got)
		}
	}
}

// Of a store that can't answer nobody is registered, nor is he not.
func TestBrokenRegistered(t *testing.T) {
	for _, is := range []string{"true", "false"} {
		r, w := onWire(t, `version: 1
listen: [{udp: "10.0.0.9:5060"}]
routes:
  request:
    - match: {registered: {location: broken, is: `+is+`}}
      do: [{reply: {code: 200}}]
    - do: [{reply: {code: 404}}]
`)
		if got := status(t, w.ask(r, "MESSAGE sip:bob@example.net")); got != "404 Not Found" {
			t.Errorf("is: %s: got %s", is, got)
		}
	}
}

func TestListenersNamed(t *testing.T) {
	match := func(text string) string {
		return "    - match: {" + text + "}\n      do: [{drop: {}}]\n"
	}
	doc := load(t, "version: 1\nlisten: [{udp: \"10.0.0.9:5060\"}]\nroutes:\n  request:\n"+
		match("listener: 'udp:1'")+match("method: BYE")+
		match("any: [{listener: ['udp:b', 'udp:c']}, {not: {all: [{listener: 'udp:d'}]}}]")+
		"    - do: [{drop: {}}]\n")
	var got []string
	for _, text := range listeners(append(doc.Routes.Request, schema.Rule{})) {
		if text.Pos.Line == 0 {
			t.Errorf("%s: no place", text.S)
		}
		got = append(got, text.S)
	}
	if want := "udp:1 udp:b udp:c udp:d"; strings.Join(got, " ") != want {
		t.Errorf("want %s, got %v", want, got)
	}
}

// A store that is not there is told of where it is named.
func TestUnknownLocation(t *testing.T) {
	doc := load(t, `version: 1
listen: [{udp: "10.0.0.9:5060"}]
routes:
  request:
    - match: {registered: {location: none}}
      do: [{save: {location: none, min_expires: 2h, max_expires: 1h}}]
    - do: [{lookup: {location: none}}, {relay: {}}]
`)
	_, diags := Compile(doc, Env{Locations: stored()})
	var got []string
	for _, d := range diags {
		got = append(got, d.Message)
	}
	want := []string{
		`"none" is no location store`, `"none" is no location store`,
		"a client may always ask for an hour (RFC 3261 §10.3)",
		"max_expires is less than min_expires, 2h0m0s", `"none" is no location store`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("want\n%s\ngot\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

// A failure route with a look-up in memory needs no pool; one that asks a slow store does.
func TestWhatMayWait(t *testing.T) {
	const rules = `
  request: [{do: [{relay: {to: "sip:10.0.0.2", failure: f}}]}]
  failure: {f: [{do: [{route: next}, {relay: {}}]}]}
  sub: {next: [{do: [{lookup: {location: contacts}}]}]}
`
	for waits, store := range map[bool]backends.Locations{
		false: memory.New(backends.Names{}), true: waiting{memory.New(backends.Names{})},
	} {
		w := &wire{listeners: Listeners(load(t, head+rules))}
		r := New(Config{Sender: w, Wake: func(time.Time) {},
			Locations: func(string) backends.Locations { return store }})
		p, diags := r.Compile(load(t, head+rules))
		if p == nil {
			t.Fatal(diags)
		}
		for _, route := range p.all {
			if want := waits && route.of != schema.InRequest; route.Waits() != want {
				t.Errorf("store that waits %t: %s %s may wait: %t", waits, route.of, route.name, !want)
			}
		}
	}
}

// A route with a matcher that waits begins on the pool, wherever it is called; one that can't go
// there has none.
func TestMatcherThatWaits(t *testing.T) {
	store := waiting{memory.New(backends.Names{})}
	bob := []byte("bob@example.net")
	err := store.Update(t.Context(), bob, time.Unix(0, 0), added("sip:b@10.0.0.2"))
	if err != nil {
		t.Fatal(err)
	}
	const is = `match: {registered: {location: contacts}}, do: [{reply: {code: 202}}]`
	for name, rules := range map[string]string{
		"request": `
  request: [{` + is + `}, {do: [{reply: {code: 404}}]}]`,
		"sub-route": `
  request: [{do: [{route: a}, {reply: {code: 404}}]}]
  sub: {a: [{` + is + `}]}`,
	} {
		for user, want := range map[string]string{"bob": "202 Accepted", "carol": "404 Not Found"} {
			w := &wire{listeners: Listeners(load(t, head+rules))}
			net := mem.New(mem.Config{})
			r := New(Config{
				Sender: w, Clock: net.Now, Wake: func(time.Time) {}, Resolver: names{net}, Pool: later{net},
				Locations: func(string) backends.Locations { return store },
			})
			swap(t, r, head+rules)
			w.ask(r, "MESSAGE sip:"+user+"@example.net")
			if n := r.count.suspended.Load(); n != 1 {
				t.Errorf("%s: suspended %d times", name, n)
			}
			w.sent = nil
			net.Run(net.Now().Add(time.Second))
			if got := status(t, w.sent); got != want {
				t.Errorf("%s: %s: want %s, got %s", name, user, want, got)
			}
		}
	}
	doc := load(t, head+`
  request: [{do: [{relay: {to: "sip:10.0.0.2", branch: b}}]}]
  branch: {b: [{match: {registered: {location: contacts}}, do: [{drop: {}}]}]}
`)
	_, diags := Compile(doc, Env{Locations: func(string) backends.Locations { return store }})
	if len(diags) != 1 || !strings.Contains(diags[0].Message, "branch route can't wait") {
		t.Errorf("got %v", diags)
	}
}

// added is a change that adds a contact for ever.
type added string

func (c added) Apply(s *backends.Set) bool {
	s.Bindings = append(s.Bindings, backends.Binding{
		Contact: []byte(c), Expires: time.Unix(1<<33, 0),
	})
	return true
}

// waiting is a store that is not here.
type waiting struct{ *memory.Store }

func (waiting) Traits() backends.Traits {
	return backends.Traits{UpdateWaits: true, LookupWaits: true}
}

// A binding by UDP that another save kept, here or on another server, leads back to a gateway only
// where the policy says that gateways register: the source of a datagram is its sender's word.
func TestKeptBindings(t *testing.T) {
	const head = "version: 1\nlisten: [{udp: \"10.0.0.9:5060\"}, {tcp: \"10.0.0.9:5060\"}]\n" +
		"gateways: {pstn: {destinations: [{uri: \"sip:10.0.0.3\"}]}}\nroutes:\n  request:\n" +
		"    - match: {uri: {user: pstn}}\n      do: [{dispatch: {set: pstn}}, {relay: {}}]\n"
	r, w := onWire(t, head+"    - do: [{save: {location: contacts, gateways: true}}]\n")
	for user, c := range map[string]struct {
		by   sip.Transport
		conn uint64
		path string
	}{
		"nat": {by: sip.UDP}, "stream": {by: sip.TCP, conn: 1 << 16},
		"path": {by: sip.UDP, path: "Path: <sip:10.0.0.3;lr>\r\n"},
	} {
		f := alice
		f.Transport, f.Conn, f.Remote = c.by, c.conn, netip.MustParseAddrPort("10.0.0.3:5060")
		keep(t, r, w, f, user, c.path)
	}
	ask := func(user string) string { return status(t, w.ask(r, "MESSAGE sip:"+user+"@example.net")) }
	const sent = "MESSAGE sip:%s@192.168.1.7 SIP/2.0"
	const refused = "403 Destination Not Allowed"
	for args, unproved := range map[string]string{"": refused, ", gateways: true": sent} {
		swap(t, r, head+"    - do: [{lookup: {location: contacts"+args+"}}, {forward: {}}]\n")
		for user, want := range map[string]string{"nat": unproved, "path": unproved, "stream": sent} {
			if want == sent {
				want = fmt.Sprintf(sent, user)
			}
			if got := ask(user); got != want {
				t.Errorf("lookup%s of %s: want %s, got %s", args, user, want, got)
			}
		}
	}
	if n := r.Proxy().Guarded; n != 2 {
		t.Errorf("%d counted, want 2", n)
	}
}

// keep has a phone behind a NAT register from where f comes.
func keep(t *testing.T, r *Router, w *wire, f transport.Flow, user, path string) {
	t.Helper()
	r.Receive(f, fmt.Appendf(nil, "REGISTER sip:example.net SIP/2.0\r\n"+
		"Via: SIP/2.0/%s 192.168.1.7;rport;branch=z9hG4bK%s\r\nFrom: <sip:x@example.net>;tag=a\r\n"+
		"To: <sip:%[2]s@example.net>\r\nCall-ID: %[2]s\r\nCSeq: 1 REGISTER\r\n"+
		"Contact: <sip:%[2]s@192.168.1.7>\r\n%[3]sSupported: path\r\nContent-Length: 0\r\n\r\n",
		f.Transport, user, path))
	if got := status(t, w.soFar()); got != "200 OK" {
		t.Fatalf("%s: %s", user, got)
	}
	w.sent = nil
}

// A binding by UDP that was kept before its network was denied, or by another server, does not lead
// there, whatever the policy says of gateways; one by a stream does, and one from this machine.
func TestKeptBeforeDenied(t *testing.T) {
	const head = "version: 1\nlisten: [{udp: \"10.0.0.9:5060\"}, {tcp: \"10.0.0.9:5060\"}]\n"
	r, w := onWire(t, head+"routes:\n  request:\n    - do: [{save: {location: contacts}}]\n")
	const sent, refused = "MESSAGE sip:%s@192.168.1.7 SIP/2.0", "403 Destination Not Allowed"
	wants := map[string]string{}
	for user, c := range map[string]struct {
		by         sip.Transport
		from, path string
		want       string
	}{
		"nat":    {sip.UDP, "10.0.7.7:5060", "", refused},
		"path":   {sip.UDP, "10.0.7.7:5060", "Path: <sip:10.0.7.7;lr>\r\n", refused},
		"stream": {sip.TCP, "10.0.7.7:5060", "", sent},
		"here":   {sip.UDP, "127.0.0.1:40000", "", sent},
		"away":   {sip.UDP, "10.0.0.7:40000", "", sent},
	} {
		f := alice
		f.Transport, f.Remote = c.by, netip.MustParseAddrPort(c.from)
		if c.by == sip.TCP {
			f.Conn = 1 << 16
		}
		keep(t, r, w, f, user, c.path)
		wants[user] = c.want
	}
	for _, args := range []string{"", ", gateways: true"} {
		swap(t, r, head+"deny_targets: [10.0.7.0/24]\nroutes:\n  request:\n"+
			"    - do: [{lookup: {location: contacts"+args+"}}, {forward: {}}]\n")
		for user, want := range wants {
			if want == sent {
				want = fmt.Sprintf(sent, user)
			}
			if got := status(t, w.ask(r, "MESSAGE sip:"+user+"@example.net")); got != want {
				t.Errorf("lookup%s of %s: want %s, got %s", args, user, want, got)
			}
		}
	}
}
