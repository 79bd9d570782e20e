package router

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
)

const hostilePolicy = `
version: 1
listen: [{udp: "10.0.0.9:5060"}, {tcp: "10.0.0.9:5060"}]
deny_targets: [10.0.7.0/24]
limits: {attempts: 3, branches: 6}
routes:
  request:
    - match: {in_dialog: true, method: [BYE, INVITE, INFO]}
      do: [{loose_route: {on_none: stranger}}, {relay: {}}]
    - match: {method: [ACK, CANCEL, MESSAGE]}
      do: [{forward: {on_error: elsewhere}}]
    - match: {uri: {user: ring}}
      do: [{reply: {code: 183}}]
    - match: {uri: {user: [fork, ring]}}
      do:
        - record_route: {}
        - append_branch: {uri: "sip:b@10.0.0.3", q: 0.5}
        - append_branch: {uri: "sip:c@bob.test", q: 0.5}
        - append_branch: {uri: "sip:d@10.0.7.7", q: 0.2}
        - relay: {branch: some, failure: again, reply: seen, fr_timer: 3s, fr_inv_timer: 8s}
    - match: {uri: {user: serial}}
      do:
        - append_branch: {uri: "sip:b@10.0.0.3", q: 0.5}
        - append_branch: {uri: "sip:d@10.0.7.7", q: 0.2}
        - serialize_branches: {}
        - relay: {failure: next, fr_timer: 3s}
    - match: {uri: {user: named}}
      do: [{relay: {to: "sip:nobody.test", on_error: elsewhere}}]
    - match: {uri: {user: tcp}}
      do: [{relay: {to: "sip:10.0.0.2;transport=tcp", failure: again}}]
    - match: {uri: {user: gone}}
      do: [{reply: {code: 180}}, {drop: {}}]
    - do: [{relay: {}}]
  sub:
    stranger: [{do: [{reply: {code: 481}}]}]
    elsewhere: [{do: [{relay: {to: "sip:10.0.0.3", failure: again}}]}]
  branch:
    some:
      - match: {uri: {user: c}, headers: {X-Drop: true}}
        do: [{drop: {}}]
      - do: [{add_header: {X-Branch: "{ruri.user}"}}]
  reply:
    all: [{match: {status: 199}, do: [{drop: {}}]}]
    seen: [{do: [{set_header: {X-Seen: "{source.ip}"}}]}]
  failure:
    again:
      - match: {status: 486}
        do: [{reply: {code: 480}}]
      - match: {status: [408, 5xx, 4xx]}
        do: [{add_header: {X-Again: "{status}"}}, {relay: {to: "sip:10.0.0.3", failure: again}}]
    next:
      - do: [{next_branches: {}}, {relay: {failure: next}}]
`

// A stranger obeys nothing: it answers what it gets with any responses at any
// time, and cancels, acknowledges and repeats as it likes.
type stranger struct {
	net  *mem.Network
	node *mem.Node
	rand *rand.Rand
}

var statuses = [...]int{
	100, 180, 183, 199, 200, 200, 202, 302, 401, 404, 407, 408, 486, 487, 491, 500, 503, 503, 603,
}

func (s *stranger) Failed(transport.Flow, uint64, error) {}
func (s *stranger) Closed(transport.Flow)                {}

func (s *stranger) Receive(f transport.Flow, b []byte) {
	var m sip.Message
	if m.Parse(b) != nil || !m.IsRequest() || m.Method() == sip.ACK || s.rand.IntN(4) == 0 {
		return
	}
	text := string(b)
	for range 1 + s.rand.IntN(5) {
		s.later(func() { s.answer(f, text) })
	}
}

func (s *stranger) later(f func()) {
	s.net.After(time.Duration(s.rand.IntN(12000))*time.Millisecond, f)
}

func (s *stranger) answer(f transport.Flow, request string) {
	var m sip.Message
	_ = m.Parse([]byte(request))
	status := statuses[s.rand.IntN(len(statuses))]
	extra := "Proxy-Authenticate: Digest realm=\"x\"\r\nRSeq: 1\r\nContact: <sip:x@10.0.7.1>\r\n"
	tag := fmt.Appendf(nil, "t%d", s.rand.IntN(3))
	out := string(sip.AppendReply(nil, &m, status, "", tag, []byte(extra)))
	if s.rand.IntN(20) == 0 { // without the Vias of those before us
		first := strings.Index(out, "\r\nVia:") + 2
		second := first + strings.Index(out[first:], "\r\n")
		if third := strings.Index(out[second:], "\r\nFrom:"); third > 0 {
			out = out[:second] + out[second+third:]
		}
	}
	_ = s.node.Send(f.Target(), []byte(out), 0)
}

func (s *stranger) ask(i int) {
	users := [...]string{"fork", "serial", "named", "tcp", "gone", "ring", "x"}
	hosts := [...]string{"10.0.0.2", "10.0.0.3", "10.0.0.9", "bob.test", "10.0.7.7"}
	methods := [...]string{"INVITE", "INVITE", "INVITE", "OPTIONS", "BYE", "MESSAGE", "ACK", "CANCEL"}
	method := methods[s.rand.IntN(len(methods))]
	text := "%s sip:" + users[s.rand.IntN(len(users))] + "@" + hosts[s.rand.IntN(len(hosts))] +
		" SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK" + fmt.Sprint(i) +
		"\r\nFrom: <sip:a@x>;tag=a\r\nTo: <sip:b@x>%s\r\nCall-ID: " + fmt.Sprint(i) +
		"\r\nCSeq: 1 %s\r\n"
	for _, f := range [...]string{
		"X-Drop: 1", "Max-Forwards: 3", "Max-Breadth: 2", "Route: <sip:10.0.0.9;lr>",
		"Route: <sip:10.0.0.9;lr>,<sip:10.0.0.2>", "Route: <sip:x@10.0.0.3;lr>",
	} {
		if s.rand.IntN(5) == 0 {
			text += f + "\r\n"
		}
	}
	tag := ""
	if s.rand.IntN(8) == 0 {
		tag = ";tag=1"
	}
	send := func(method string) {
		b := fmt.Appendf(nil, text+"Content-Length: 0\r\n\r\n", method, tag, method)
		_ = s.node.Send(transport.Target{Transport: sip.UDP, Listener: 0,
			Remote: netip.AddrPortFrom(edgeAddr, 5060)}, b, 0)
	}
	send(method)
	for range s.rand.IntN(3) { // while its transaction must still be known
		s.net.After(time.Duration(s.rand.IntN(4000))*time.Millisecond, func() { send(method) })
	}
	if method == "INVITE" {
		s.later(func() { send("ACK") })
		if s.rand.IntN(3) == 0 {
			s.later(func() { send("CANCEL") })
		}
	}
}

// answers is what the edge said in one transaction of the stranger's.
type answers struct{ final, text string }

// Whatever peers send, and when: every transaction ends, has one outcome, and
// leaves nothing behind.
func TestHostilePeers(t *testing.T) {
	for seed := range uint64(10) {
		said := map[string]*answers{}
		net := mem.New(mem.Config{Seed: seed, Tap: func(p mem.Packet) {
			if p.Fate == mem.Arrived && p.From.Addr() == edgeAddr && p.To.Addr() == aliceAddr {
				outcome(t, seed, said, p.Data)
			}
		}})
		r, node := newRouter(t, net, hostilePolicy)
		node.Start(r)
		var all []*stranger
		for i := range 3 {
			addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i)})
			s := &stranger{net: net, rand: rand.New(rand.NewPCG(seed, uint64(i)))}
			var err error
			s.node, err = net.Node(
				transport.Listener{Transport: sip.UDP, Addr: netip.AddrPortFrom(addr, 5060)},
				transport.Listener{Transport: sip.TCP, Addr: netip.AddrPortFrom(addr, 5060)})
			if err != nil {
				t.Fatal(err)
			}
			s.node.Start(s)
			all = append(all, s)
		}
		for i := range 150 {
			net.After(time.Duration(i)*100*time.Millisecond, func() { all[0].ask(i) })
		}
		net.Run(net.Now().Add(1000 * time.Second))
		if !r.Idle() || r.Stats().Panics > 0 {
			t.Errorf("seed %d: left %+v %+v, %d panics",
				seed, r.Transactions(), r.Proxy(), r.Stats().Panics)
		}
	}
}

// outcome notes a response to the stranger and holds it against the others.
func outcome(t *testing.T, seed uint64, said map[string]*answers, b []byte) {
	var m sip.Message
	if m.Parse(b) != nil || m.IsRequest() || m.Method() == sip.CANCEL || m.Method() == sip.MESSAGE {
		return // the other two go without state
	}
	v, _ := m.TopVia()
	id := string(v.Branch) + string(m.MethodName())
	a := said[id]
	if a == nil {
		a = &answers{}
		said[id] = a
	}
	kind := [...]string{1: "1xx", 2: "2xx", 3: "other"}[min(m.Status()/100, 3)]
	switch {
	case a.final == "" && kind != "1xx":
		a.final, a.text = kind, string(b)
	case a.final == "", kind == "2xx" && a.final == "2xx", string(b) == a.text:
	default:
		t.Errorf("seed %d, %s: after\n%s\ncame\n%s", seed, id, a.text, b)
	}
}
