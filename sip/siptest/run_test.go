package siptest

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
)

// mirror is the smallest system: it sends every message on to the other of two
// addresses as it stands.
type mirror struct{ node *mem.Node }

func (m mirror) Receive(f transport.Flow, b []byte) {
	other := netip.MustParseAddrPort("10.0.0.2:5060")
	if f.Remote == other {
		other = netip.MustParseAddrPort("10.0.0.1:5060")
	}
	_ = m.node.Send(transport.Target{Transport: sip.UDP, Remote: other}, b, 0)
}
func (mirror) Failed(transport.Flow, uint64, error) {}
func (mirror) Closed(transport.Flow)                {}

func startMirror(t *testing.T, net *mem.Network, _ map[string]string) func() error {
	node, err := net.Node(transport.Listener{
		Transport: sip.UDP, Addr: netip.MustParseAddrPort("10.0.0.9:5060"),
	})
	if err != nil {
		t.Fatal(err)
	}
	node.Start(mirror{node})
	return nil
}

const head = `
agent alice udp 10.0.0.1:5060
agent bob udp 10.0.0.2:5060
proxy udp 10.0.0.9:5060
`

func TestCall(t *testing.T) {
	Run(t, &txtar.Archive{Files: []txtar.File{{Name: "flow", Data: []byte(head + `
alice > INVITE sip:bob@10.0.0.2
	Subject: lunch
	body: v=0\n
bob < INVITE sip:bob@10.0.0.2 at=0s
	Subject: lunch
	Via ~ ^SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK
	-Route
	body: v=0\n
bob > 180
alice < 180 INVITE tag=bob-1
wait 2s
bob > 200
alice < 200 at=2s
	reason: OK
alice > ACK
bob < ACK sip:bob@10.0.0.2:5060
alice > again
bob < ACK again
bob > BYE
	To: {bob.From}
alice < BYE sip:alice@10.0.0.1:5060
	CSeq: 1 BYE
alice < nothing for 3s
alice > 200
bob < 200 BYE
`)}}}, startMirror)
}

// TestWrong plays conversations that must be refused, each for its reason.
func TestWrong(t *testing.T) {
	for _, c := range []struct{ name, flow, want string }{
		{"status", "alice > OPTIONS sip:bob@10.0.0.2\nbob < OPTIONS\nbob > 200\nalice < 404\n",
			"want 404"},
		{"field", "alice > OPTIONS sip:bob@10.0.0.2\nbob < OPTIONS\n\tSubject: x\n", "want Subject"},
		{"silence", "alice > OPTIONS sip:bob@10.0.0.2\nbob < nothing\n", "want nothing"},
		{"never", "alice < 200\n", "received nothing"},
		{"late", "wait 1s\nalice > OPTIONS sip:bob@10.0.0.2\nbob < OPTIONS at=0s\n", "want at 0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			flow := strings.TrimPrefix(head, "\n") + c.flow
			_, err := Play(flow, func(net *mem.Network) (System, error) {
				return System{Idle: startMirror(t, net, nil)}, nil
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("want an error with %q, got %v", c.want, err)
			}
		})
	}
}

// A 2xx to a request within the dialog changes the remote target and not the route
// set, RFC 3261 §12.2.1.2.
func TestRouteSetStays(t *testing.T) {
	Run(t, &txtar.Archive{Files: []txtar.File{{Name: "flow", Data: []byte(head + `
alice > INVITE sip:bob@10.0.0.2
	Record-Route: <sip:10.0.0.9;lr>
bob < INVITE
bob > 200
alice < 200
alice > ACK
bob < ACK
	Route: <sip:10.0.0.9;lr>
alice > INVITE
bob < INVITE
	Route: <sip:10.0.0.9;lr>
bob > 200
	Contact: <sip:moved@10.0.0.2:5060>
alice < 200
alice > ACK
bob < ACK sip:moved@10.0.0.2:5060
	Route: <sip:10.0.0.9;lr>
`)}}}, startMirror)
}
