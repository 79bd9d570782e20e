package router

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sipedge/router/nexthop"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
)

const everything = `
version: 1
listen: [{udp: "10.0.0.9:5060", dscp: cs3}, {tcp: "10.0.0.9:5060", advertise: edge.example.net}]
domains: [example.net]
aliases: ["sip.example.net:5080"]
deny_targets: [192.0.2.0/24, "2001:db8::1"]
allow_targets: [127.0.0.0/8]
timers: {fr_timer: 5s, fr_inv_timer: 60s}
vars: {var.n: int}
users: {people: {alice@example.net: {ha1: 0123456789abcdef0123456789abcdef}}}
tables:
  banned: {cache: {}}
  did: {map: {values: {"1": a}}}
  peers: {cidr: {values: [10.0.0.0/8]}}
  rates: {lcr: {values: [{gateways: pstn, cost: 0.01}]}}
  carriers: {address: {values: [{grp: 2, ip: 10.0.0.5, port: 5060, proto: udp, context_info: "7"}]}}
limits: {branches: 4, attempts: 3, max_forwards: 20, udp_request: 9KiB}
gateways:
  pstn: {destinations: [{uri: "sip:gw1.example.net"}, {uri: "sip:10.0.0.5", weight: 3, rate: 10/s}]}
routes:
  request:
    - match: {max_forwards: {max: 0}}
      do: [{reply: {code: 483}}]
    - match: {source: {in: banned}}
      do: [{drop: {}}]
    - match: {source: {in: carriers, group: [2, 3]}, method: INFO}
      do:
        - check_source_address:
            table: carriers
            group: 2
            pattern: "{from.uri}"
            into: var.n
            group_into: var.n
            on_none: refused
    - match: {uri: {user: {in: did}}}
      do:
        - rate_limit: {key: "{source.ip}", rate: 16/2s, allow: {in: peers}, on_exceed: refused}
        - query: {table: did, key: "{ruri.user}", on_none: refused}
        - put: {table: banned, key: "{from.user}", value: x, ttl: 1m}
        - ban: {table: banned}
    - match: {in_dialog: true}
      do: [{loose_route: {verify: none, on_none: refused}}, {relay: {}}]
    - match: {method: OPTIONS, uri: {myself: true}}
      do:
        - max_forwards: {limit: 3, on_exceed: refused}
        - force_rport: {}
        - fix_nat: {}
        - rtpengine: {backend: media}
        - log: {level: debug, message: "{source.ip} asks"}
        - reply: {code: 200, headers: {Allow: INVITE, X-You: "{source.ip}"}}
    - match: {method: REGISTER}
      do:
        - authenticate: {kind: www, users: people, on_fail: refused}
        - save: {location: contacts, match: instance, reply: false, on_error: refused}
        - unregister: {location: contacts, aor: "{to.user}@example.net"}
        - add_path: {ob: true, received: true}
        - redirect: {to: "sip:reg@10.0.0.1", code: 305}
    - match: {method: MESSAGE}
      do:
        - speed_dial: {backend: store, on_none: refused, owner: auth}
        - alias_lookup: {backend: store, on_none: refused, branches: true}
        - enum: {number: "{to.user}", service: "voice:sip", on_none: refused, on_error: refused}
        - lookup: {location: contacts, on_none: refused, on_method: refused, order: newest}
        - route: numbers
        - forward: {to: "sip:{from.host}", on_error: refused}
    - do:
        - consume_credentials: {}
        - assert_identity: {}
        - record_route: {params: "a=b", preset: [edge.example.net]}
        - append_branch: {uri: "sip:{ruri.user}@10.0.0.3", q: 0.7, to: "sip:10.0.0.4"}
        - serialize_branches: {}
        - force_send_socket: "tcp:10.0.0.9:5060"
        - lcr: {table: rates, number: "{to.user}", group: "{from.host}", on_none: refused}
        - relay:
            branch: each
            reply: seen
            failure: again
            fr_timer: 2s
            on_error: refused
  sub:
    refused: [{do: [{reply_error: {}}]}]
    numbers:
      - match: {uri: {user: {prefix: "0"}}}
        do: [{strip: 1}, {prefix: "49"}, {return: {}}]
      - do: [{strip_tail: 1}, {set_port: 5070}, {set_host: example.org}, {revert_uri: {}}]
  branch:
    each:
      - match: {uri: {user: no}}
        do: [{drop: {}}]
      - do: [{set_user: x}, {add_header: {X: y}}]
      - do: [{set_header: {Y: z}}, {remove_header: [A, B]}, {exit: {}}]
  failure:
    again:
      - match: {status: 486}
        do: [{rewrite_uri: "sip:vm@10.0.0.7"}, {relay: {}}]
      - match: {status: 503, gateway: pstn}
        do: [{dispatch: {set: pstn}}, {next_destination: {}}, {recurse: {}}, {relay: {}}]
      - do: [{next_branches: {}}, {relay: {failure: again}}]
  reply:
    all: [{do: [{add_header: {X-Status: "{status}"}}]}]
    seen: [{match: {status: 183}, do: [{drop: {}}]}]
  error: [{do: [{log: {message: "{error.class} {error.text} {error.status}"}}]}]
  local: [{match: {method: OPTIONS}, do: [{set_header: {X: "{ruri}"}}]}]
  startup:
    - log: {message: begins}
    - set: {var.n: 1}
    - push: {var.n: 2}
    - pop: var.n
    - unset: var.n
  timer:
    minute: {every: 60s, do: [{send_request: {method: OPTIONS, to: "sip:10.0.0.7"}}]}
`

// Every action is in the language, and the policy that has them all compiles.
func TestCompile(t *testing.T) {
	doc := load(t, everything)
	p, diags := Compile(doc, Env{})
	if p == nil || len(diags) > 0 {
		t.Fatal(diags)
	}
	for _, k := range Vocabulary().Actions {
		if !strings.Contains(everything, k.Name+":") {
			t.Errorf("%s is not tried", k.Name)
		}
	}
	s := p.settings
	if s.MaxForwards != 20 || s.Branches != 4 || s.Attempts != 3 || s.UDPRequest != 9<<10 ||
		s.FinalWait.String() != "5s" ||
		s.InviteWait.String() != "1m0s" || s.ReplyAll == nil ||
		fmt.Sprint(s.Guard.Deny, s.Guard.Allow) != "[192.0.2.0/24 2001:db8::1/128] [127.0.0.0/8]" {
		t.Errorf("settings: %+v", s)
	}
	if !s.Self.Is([]byte("Example.net"), 0, sip.NoTransport) ||
		!s.Self.Listener([]byte("edge.example.net"), 5060, sip.TCP) {
		t.Error("self is not who the document says")
	}
	where := map[string]schema.Place{
		"refused": schema.InRequest, "numbers": schema.InRequest, "each": schema.InBranch,
		"again": schema.InFailure, "seen": schema.InReply, "request": schema.InRequest,
	}
	for _, r := range p.all {
		if w, ok := where[r.name]; ok && w != r.where {
			t.Errorf("%s runs in %s, want %s", r.name, r.where, w)
		}
	}
}

var plainAddr = cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })

func TestListeners(t *testing.T) {
	at := netip.MustParseAddrPort("10.0.0.9:5060")
	want := []transport.Listener{
		{Transport: sip.UDP, Addr: at, DSCP: 24},
		{Transport: sip.TCP, Addr: at, Advertised: "edge.example.net"},
	}
	if diff := cmp.Diff(want, Listeners(load(t, everything)), plainAddr); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	want = []transport.Listener{{Transport: sip.WS, Addr: at, WebSocket: &transport.WebSocket{
		Path: "/sip", Origins: []string{"https://a.example"}, Ping: 30 * time.Second, Lost: 2,
	}}}
	doc := load(t, `version: 1
listen: [{ws: "10.0.0.9:5060", path: /sip, origins: ["https://a.example"]}]
routes: {request: [{do: [{reply: {code: 404}}]}]}
`)
	if diff := cmp.Diff(want, Listeners(doc), plainAddr); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	c := compiler{listeners: []transport.Listener{{Transport: sip.UDP}, {Transport: sip.TCP}}}
	if _, ok := c.listener(schema.Text{S: "udp:10.0.0.9:5060"}); ok {
		t.Error("found a listener that is not there")
	}
}

func TestDiagnostics(t *testing.T) {
	for _, c := range []struct{ rules, want string }{
		{`[{do: [{force_send_socket: "udp:10.0.0.8:5060"}, {reply: {code: 404}}]}]`, "4:40 SE2004"},
		{`[{match: {not: {listener: ["udp:10.0.0.9:5060", "udp:10.0.0.8:5060"]}}, ` +
			`do: [{reply: {code: 403}}]}, {do: [{reply: {code: 404}}]}]`, "4:61 SE2004"},
		{`[{do: [{set_user: "{nobody}"}, {reply: {code: 404}}]}]`, "4:32 SE4002"},
		{`[{do: [{relay: {to: "10.0.0.1:5060"}}]}]`, "4:33 SE4008"},
		{`[{do: [{add_header: {Via: x}}, {reply: {code: 404}}]}]`, "4:33 SE4010"},
		{`[{do: [{append_branch: {q: 1.5}}, {relay: {}}]}]`, "4:39 SE1008"},
		{`[{do: [{append_branch: {q: "1"}}, {relay: {}}]}]`, "4:40 SE1006"},
		{`[{do: [{set_user: "{status}"}, {reply: {code: 404}}]}]`, "4:32 SE4004"},
	} {
		doc, _, diags := schema.LoadBytes("p.yaml", []byte(head+"  request: "+c.rules), Vocabulary())
		if doc != nil {
			_, diags = Compile(doc, Env{})
		}
		if len(diags) != 1 {
			t.Errorf("%s: want one diagnostic, got %v", c.rules, diags)
			continue
		}
		d := diags[0]
		if got := fmt.Sprintf("%d:%d SE%d", d.Pos.Line, d.Pos.Col, d.Code); got != c.want {
			t.Errorf("%s: want %s, got %s %s", c.rules, c.want, got, d.Message)
		}
	}
}

func TestProve(t *testing.T) {
	for _, tt := range []struct {
		policy string
		want   schema.Code // of an error; 0: none
	}{
		{head + "  request: [{do: [{relay: {to: \"sip:10.0.0.1\"}}]}]\n", 0},
		{everything, schema.OpenRelay},
	} {
		p, diags := Prove(load(t, tt.policy), Env{})
		if (p == nil) != (tt.want != 0) || diags.HasErrors() != (tt.want != 0) ||
			tt.want != 0 && diags[0].Code != tt.want {
			t.Errorf("want %s, got %v %v", tt.want, p, diags)
		}
	}
}

// TestOverlaps: listeners of which the system would open only one.
func TestOverlaps(t *testing.T) {
	for _, tt := range []struct{ listen, admin, want string }{
		{`{tcp: "10.0.0.9:5060"}, {ws: "10.0.0.9:5060"}`, "none",
			"2:40 ws 10.0.0.9:5060 is in the way of 10.0.0.9:5060 (line 2)"},
		{`{udp: "10.0.0.9:5060"}, {udp: "0.0.0.0:5060"}`, "none",
			"2:41 udp 0.0.0.0:5060 is in the way of 10.0.0.9:5060 (line 2)"},
		{`{tcp: "[::]:5060"}, {tcp: "[::1]:5060"}`, "none",
			"2:37 tcp [::1]:5060 is in the way of [::]:5060 (line 2)"},
		{`{tcp: "127.0.0.1:8060"}`, "",
			"2:17 tcp 127.0.0.1:8060 is in the way of 127.0.0.1:8060 (admin, unless set)"},
		{`{tcp: "0.0.0.0:8061"}`, "127.0.0.1:8061",
			"2:17 tcp 0.0.0.0:8061 is in the way of 127.0.0.1:8061 (admin, line 3)"},
		{`{udp: "127.0.0.1:8060"}, {tcp: "[::1]:8060"}, {tcp: "10.0.0.9:8060"}`, "", ""},
		{`{udp: "0.0.0.0:5060"}, {udp: "[::]:5060"}, {tcp: "10.0.0.9:5060"}`, "none", ""},
		{`{udp: "10.0.0.9:5060"}, {udp: "0.0.0.0:5061"}`, "none", ""},
		{`{udp: "127.0.0.1:0"}, {udp: "0.0.0.0:0"}`, "none", ""},
	} {
		policy := "version: 1\nlisten: [" + tt.listen + "]\n"
		if tt.admin != "" {
			policy += fmt.Sprintf("admin: {listen: %q}\n", tt.admin)
		}
		_, diags := Compile(load(t, policy+"routes: {request: [{do: [{reply: {code: 404}}]}]}\n"), Env{})
		got := ""
		for _, d := range diags {
			got += fmt.Sprintf("%d:%d %s", d.Pos.Line, d.Pos.Col, d.Message)
		}
		if got != tt.want {
			t.Errorf("%s, admin %q:\nwant %s\n got %s", tt.listen, tt.admin, tt.want, got)
		}
	}
}

// TestDestinations: the places that the policy itself names, by line; a Request-URI of ours is
// none.
func TestDestinations(t *testing.T) {
	p, diags := Compile(load(t, head+`  request:
    - match: {method: OPTIONS}
      do:
        - append_branch: {uri: "sip:a.example.com", to: "sip:b.example.com"}
        - append_branch: {uri: "sip:c.example.com"}
        - append_branch: {uri: "sip:{to.user}@d.example.com"}
        - rewrite_uri: "sip:e.example.com"
        - set_host: f.example.com
        - rewrite_uri: "tel:+4930123"
        - set_host: example.net
        - relay: {to: "sip:{to.user}@g.example.com"}
    - do: [{relay: {to: "sip:h.example.com;transport=tcp", failure: again}}]
  failure:
    again:
      - do:
          - send_request: {method: OPTIONS, to: "sip:i.example.com", next_hop: "sip:j.example.com"}
          - send_request: {method: OPTIONS, to: "sip:k.example.com"}
          - reply: {code: 500}
domains: [example.net]
`), Env{})
	if p == nil {
		t.Fatal(diags)
	}
	var got []string
	for _, d := range p.Destinations() {
		got = append(got, fmt.Sprintf("%s %v", d.URI, d.Next))
	}
	want := []string{
		"sip:b.example.com true", "sip:c.example.com false", "sip:e.example.com false",
		"sip:f.example.com false", "sip:h.example.com;transport=tcp true",
		"sip:j.example.com true", "sip:k.example.com true",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// IPv4 that is written in IPv6 form is denied like any other.
func TestDeniedInAnyForm(t *testing.T) {
	p, diags := Compile(load(t, `version: 1
listen: [{udp: "10.0.0.9:5060"}]
deny_targets: ["::ffff:10.0.7.0/120", "::ffff:10.0.8.1"]
routes: {request: [{do: [{reply: {code: 404}}]}]}
`), Env{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for to, allowed := range map[string]bool{
		"10.0.7.2:5060": false, "10.0.8.1:5060": false, "10.0.9.1:5060": true,
	} {
		at, from := netip.MustParseAddrPort(to), netip.MustParseAddrPort("192.0.2.1:5060")
		if got := p.settings.Guard.Allows(at, from, nexthop.Ruled); got != allowed {
			t.Errorf("%s: %v", to, got)
		}
	}
}
