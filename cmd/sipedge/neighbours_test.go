package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo"
)

// neighbourPhones are a phone by UDP and one by TCP at a server, registered.
func neighbourPhones(ctx context.Context, t *testing.T, at netip.AddrPort) (both []*sipgoPhone) {
	t.Helper()
	for _, transport := range []string{"udp", "tcp"} {
		p := newSipgoPhone(t, transport+"phone", transport, at, nil, nil)
		p.register(ctx, t)
		both = append(both, p)
	}
	return both
}

// callBothWays has two phones call each other, and either end each call.
func callBothWays(ctx context.Context, t *testing.T, a, b *sipgoPhone) {
	t.Helper()
	for _, callee := range []bool{false, true} {
		for _, way := range [][2]*sipgoPhone{{a, b}, {b, a}} {
			t.Run(fmt.Sprintf("%s to %s, callee ends %v", way[0].name, way[1].name, callee),
				func(t *testing.T) { callAndEnd(ctx, t, way[0], way[1], callee) })
		}
	}
}

func neighbourTime(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Second,
		sipgo.WaitAnswerForceCancelErr)
	t.Cleanup(cancel)
	return ctx
}

// links are how the two servers talk.
var links = []string{"udp", "tcp"}

// neighbourHead begins a policy on a port of both transports.
func neighbourHead(port uint16) string {
	return fmt.Sprintf(`version: 1
log: {format: json}
admin: {listen: "127.0.0.1:0"}
allow_targets: [127.0.0.0/8]
listen: [{udp: "127.0.0.1:%[1]d"}, {tcp: "127.0.0.1:%[1]d"}]
domains: [example.net]
`, port)
}

// Phones register through the edge, by its Path, with a Kamailio behind it, and call each other
// through both.
func TestKamailioRegistrarBehind(t *testing.T) {
	for _, link := range links {
		t.Run(link, func(t *testing.T) {
			ctx := neighbourTime(t)
			edge := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t))
			k := startKamailio(t, "foreign/neighbour.cfg", "@ROLE@", "REGISTRAR")
			behind := fmt.Sprintf("sip:%s;transport=%s", k.addr(), link)
			startServer(t, neighbourHead(edge.Port())+withinDialogs+fmt.Sprintf(`
    - name: a phone registers with the registrar behind
      match: {method: REGISTER}
      do: [{add_path: {}}, {relay: {to: %[1]q}}]
    - name: the registrar calls a phone
      match: {headers: {Route: true}}
      do: [{loose_route: {on_none: stranger}}, {record_route: {}}, {relay: {}}]
    - name: a phone calls
      match: {uri: {myself: true}}
      do: [{record_route: {}}, {relay: {to: %[1]q}}]
    - name: nowhere else
      do: [{reply: {code: 403}}]
`, behind))
			phones := neighbourPhones(ctx, t, edge)
			dump, err := k.ask("ul.dump")
			if err != nil || strings.Count(dump, "Path: <sip:"+edge.String()) != 2 {
				t.Errorf("bindings of Kamailio, without two Paths of the edge: %v\n%s", err, dump)
			}
			callBothWays(ctx, t, phones[0], phones[1])
		})
	}
}

// Phones register through a Kamailio in front, by its Path, and call each other through both.
func TestKamailioInFront(t *testing.T) {
	for _, link := range links {
		t.Run(link, func(t *testing.T) {
			ctx := neighbourTime(t)
			edge := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t))
			k := startKamailio(t, "foreign/neighbour.cfg", "@ROLE@", "FRONT",
				"@EDGE@", edge.String()+";transport="+link)
			s := startServer(t, neighbourHead(edge.Port())+
				"backends: {contacts: {memory: {}}}\n"+withinDialogs+`
    - name: a phone registers through the proxy in front
      match: {method: REGISTER, to: {myself: true}, headers: {Path: true}}
      do: [{save: {location: contacts}}]
    - name: to one of our users
      match: {uri: {myself: true}}
      do: [{lookup: {location: contacts}}, {record_route: {}}, {relay: {}}]
    - name: nowhere else
      do: [{reply: {code: 403}}]
`)
			phones := neighbourPhones(ctx, t, k.addr())
			if n := s.metric("sipedge_bindings"); n != 2 {
				t.Errorf("%v bindings, want 2", n)
			}
			callBothWays(ctx, t, phones[0], phones[1])
		})
	}
}

// gatewayState is what Kamailio's dispatcher says of a destination: A, it is active, I, it is not,
// or T, it is trying.
func (k *kamailio) gatewayState(of string) string {
	k.t.Helper()
	list, err := k.ask("dispatcher.list")
	if err != nil {
		k.t.Fatalf("dispatcher.list: %v: %s", err, list)
	}
	_, rest, _ := strings.Cut(list, "URI: "+of)
	_, rest, _ = strings.Cut(rest, "FLAGS: ")
	return rest[:min(1, len(rest))]
}

// Kamailio and the edge are gateways of each other: each asks the other with OPTIONS whether it is
// there, sees it come and go, and sends it calls.
func TestKamailioTrunk(t *testing.T) {
	ctx := neighbourTime(t)
	edge := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t))
	list := filepath.Join(t.TempDir(), "gateways")
	gateways := func(outside string) {
		rows := fmt.Sprintf("1 sip:%s\n2 sip:%s\n", edge, outside)
		if err := os.WriteFile(list, []byte(rows), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	gateways("127.0.0.1:9")
	k := startKamailio(t, "foreign/neighbour.cfg", "@ROLE@", "TRUNK", "@LIST@", list)
	inside := newSipgoPhone(t, "inside", "udp", edge, nil, nil)
	outside := newSipgoPhone(t, "outside", "udp", k.addr(), nil, nil)
	gateways(outside.contact.Address.HostPort())
	if out, err := k.ask("dispatcher.reload"); err != nil {
		t.Fatalf("dispatcher.reload: %v: %s", err, out)
	}
	becomes := func(want string) {
		t.Helper()
		await(t, 10*time.Second, func() (string, bool) {
			got := k.gatewayState("sip:" + edge.String())
			return "to Kamailio the edge is " + got + ", want " + want, got == want
		})
	}
	becomes("I") // nobody is there

	uri := "sip:" + k.addr().String()
	s := startServer(t, neighbourHead(edge.Port())+fmt.Sprintf(`
backends: {contacts: {memory: {}}}
gateways:
  trunk:
    destinations: [{uri: %q}]
    probe: {every: 1s, timeout: 900ms, failures: 1, successes: 1}
`, uri)+withinDialogs+`
    - name: the trunk asks whether we are there
      match: {method: OPTIONS}
      do: [{reply: {code: 200}}]
    - name: a phone registers
      match: {method: REGISTER, to: {myself: true}}
      do: [{save: {location: contacts}}]
    - name: a call to a phone
      match: {uri: {myself: true, user: inside}}
      do: [{lookup: {location: contacts}}, {record_route: {}}, {relay: {}}]
    - name: a call from a phone
      match: {uri: {myself: true}}
      do: [{record_route: {}}, {dispatch: {set: trunk}}, {relay: {}}]
    - name: nowhere else
      do: [{reply: {code: 403}}]
`)
	inside.register(ctx, t)
	becomes("A")
	callBothWays(ctx, t, inside, outside)
	await(t, 10*time.Second, func() (string, bool) {
		asked := s.metric("sipedge_gateway_probes_total")
		return fmt.Sprintf("Kamailio was asked %v times", asked), asked > 0
	})
	if state, failed := s.gatewayState(uri), s.metric("sipedge_gateway_probes_failed_total"); state !=
		"up" || failed > 0 {
		t.Errorf("Kamailio is %s, %v probes failed", state, failed)
	}
	k.stop()
	await(t, 10*time.Second, func() (string, bool) {
		state := s.gatewayState(uri)
		return "Kamailio ended, and is " + state, state == "down"
	})
}
