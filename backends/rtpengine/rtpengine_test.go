package rtpengine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sipedge/backends"
	"sipedge/schema"
)

// fake is a node that says what the test wants.
type fake struct {
	conn *net.UDPConn
	mu   sync.Mutex
	says func(c command) string // "": nothing
	got  []command              // pings left out
}

func newFake(t *testing.T) *fake {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{conn: conn}
	f.say(func(c command) string {
		if c.Command == "ping" {
			return `{"result":"pong"}`
		}
		return fmt.Sprintf(`{"result":"ok","sdp":%q}`, c.Command+" by "+conn.LocalAddr().String())
	})
	done := make(chan struct{})
	go func() { defer close(done); f.serve() }()
	t.Cleanup(func() { conn.Close(); <-done })
	return f
}

func (f *fake) say(says func(c command) string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.says = says
}

func (f *fake) serve() {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := f.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		cookie, text, _ := bytes.Cut(buf[:n], []byte(" "))
		var c command
		_ = json.Unmarshal(text, &c)
		f.mu.Lock()
		said := f.says(c)
		if c.Command != "ping" {
			f.got = append(f.got, c)
		}
		f.mu.Unlock()
		if said != "" {
			f.conn.WriteToUDPAddrPort([]byte(string(cookie)+" "+said), from)
		}
	}
}

// asked is what it was asked for so far.
func (f *fake) asked() (commands []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.got {
		commands = append(commands, c.Command+" "+c.CallID)
	}
	return commands
}

func (f *fake) address() string { return f.conn.LocalAddr().String() }

// opened opens a backend of nodes at addresses.
func opened(timeout string, addresses ...string) (backends.Backend, schema.Diagnostics) {
	text := func(s string) schema.Value { return schema.Value{Kind: schema.String, S: s} }
	list := schema.Value{Kind: schema.List}
	for _, a := range addresses {
		list.Items = append(list.Items, schema.Value{Kind: schema.Map,
			Keys: []schema.Key{{Name: "udp", Value: text(a)}}})
	}
	return Driver.Open(&backends.Opening{Name: "media", Settings: &schema.Value{
		Kind: schema.Map, Keys: []schema.Key{
			{Name: "nodes", Value: list}, {Name: "timeout", Value: text(timeout)},
			{Name: "ping", Value: text("100ms")},
		}}})
}

// engine opens a backend of nodes, which closes with the test.
func engine(t *testing.T, timeout string, nodes ...*fake) *Engine {
	t.Helper()
	var addresses []string
	for _, f := range nodes {
		addresses = append(addresses, f.address())
	}
	b, diags := opened(timeout, addresses...)
	if diags != nil {
		t.Fatal(diags)
	}
	t.Cleanup(func() { b.Close() })
	return b.(*Engine)
}

func call1(id string) *backends.Call {
	return &backends.Call{CallID: []byte(id), Offerer: []byte("a"), SDP: []byte("v=0\r\n")}
}

func silent(command) string { return "" }

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A call stays with its node; when that is silent it is offered to another, to which it moves, and
// the silent one gets nothing until it answers a ping.
func TestFailover(t *testing.T) {
	a, b := newFake(t), newFake(t)
	e := engine(t, "400ms", a, b)
	id := "1"
	for e.order([]byte(id))[0].address != a.address() {
		id += "1"
	}
	offered := func() string {
		sdp, err := e.Offer(context.Background(), call1(id))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(string(sdp), "offer by ")
	}
	if got := offered(); got != a.address() {
		t.Errorf("offered to %s", got)
	}
	told := make(chan backends.MediaNode, 10)
	e.WatchNodes(func(n backends.MediaNode) { told <- n })
	speak := a.says
	a.say(silent)
	if got := offered(); got != b.address() {
		t.Errorf("offered to %s", got)
	}
	eventually(t, "the silent one is down", func() bool { return !e.Nodes()[0].Up })
	a.say(speak)
	eventually(t, "it is up again", func() bool { return e.Nodes()[0].Up })
	for _, up := range []bool{false, true} {
		if n := <-told; n.Address != a.address() || n.Up != up {
			t.Errorf("told %+v, want up %t", n, up)
		}
	}
	if got := offered(); got != b.address() {
		t.Errorf("the call went back to %s", got)
	}
	if sdp, err := e.Answer(context.Background(), call1(id)); string(sdp) != "answer by "+b.address() {
		t.Error(string(sdp), err)
	}
	e.Delete([]byte(id), []byte("a"))
	eventually(t, "its node deletes the call", func() bool {
		return slices.Contains(b.asked(), "delete "+id)
	})
	e.Delete([]byte("unknown"), nil)
	for _, f := range []*fake{a, b} {
		eventually(t, "all delete what is not known", func() bool {
			return slices.Contains(f.asked(), "delete unknown")
		})
	}
}

// A node that refuses is well, and nobody else is asked.
func TestRefusal(t *testing.T) {
	a, b := newFake(t), newFake(t)
	e := engine(t, "5s", a, b)
	for _, f := range []*fake{a, b} {
		speak := f.says
		f.say(func(c command) string {
			if c.Command == "ping" {
				return speak(c)
			}
			return `{"result":"error","error-reason":"Unknown call-id"}`
		})
	}
	_, err := e.Answer(context.Background(), call1("x"))
	if !errors.Is(err, backends.ErrRefused) || !strings.HasSuffix(err.Error(), "Unknown call-id") {
		t.Error(err)
	}
	if _, err := e.Offer(context.Background(), call1("x")); !errors.Is(err, backends.ErrRefused) {
		t.Error(err)
	}
	if n := len(a.asked()) + len(b.asked()); n != 2 {
		t.Errorf("%d commands", n)
	}
	for _, n := range e.Nodes() {
		if !n.Up {
			t.Errorf("%+v", n)
		}
	}
}

// A command that no datagram can carry costs its call alone; characters that JSON may escape, and
// need not, do not make it one.
func TestTooLarge(t *testing.T) {
	a, b := newFake(t), newFake(t)
	e := engine(t, "5s", a, b)
	offer := func(id, filling string, size int) error {
		c := call1(id)
		c.SDP = append(c.SDP, strings.Repeat(filling, size)...)
		_, err := e.Offer(context.Background(), c)
		return err
	}
	if err := offer("large", "\x01", 12_000); !errors.Is(err, backends.ErrRefused) {
		t.Errorf("too large: %v", err)
	}
	for id, filling := range map[string]string{"plain": "x", "brackets": "<"} {
		if err := offer(id, filling, 12_000); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, n := range e.Nodes() {
		if !n.Up || n.Timeouts != 0 {
			t.Errorf("%+v", n)
		}
	}
}

// A node that answers pings, but not a command, is up, and gets others; what it has of a call that
// is not answered is asked of it all the same.
func TestSilentToOneCommand(t *testing.T) {
	a := newFake(t)
	e := engine(t, "400ms", a)
	speak := a.says
	a.say(func(c command) string {
		if c.CallID == "odd" {
			return ""
		}
		return speak(c)
	})
	if _, err := e.Offer(context.Background(), call1("odd")); !errors.Is(err, errSilent) {
		t.Error(err)
	}
	if _, err := e.Answer(context.Background(), call1("even")); err != nil {
		t.Errorf("an answer right after: %v", err)
	}
	if n := e.Nodes()[0]; !n.Up || n.Timeouts != 1 {
		t.Errorf("%+v", n)
	}
	eventually(t, "it gets offers", func() bool {
		_, err := e.Offer(context.Background(), call1("even"))
		return err == nil
	})
}

// A node that a command found silent is pinged at once, however long the time between two pings.
func TestPingedAtOnce(t *testing.T) {
	a := newFake(t)
	n, err := newNode(netip.MustParseAddrPort(a.address()), 1)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer n.close()
	running.Go(n.read)
	running.Go(func() { n.watch(health{every: time.Hour}, func() {}) })
	eventually(t, "the first ping", func() bool { return n.pings.Load() == 1 })
	n.doubts()
	eventually(t, "it is trusted again", func() bool { return !n.spared() })
}

// When none answers the call fails within the time of each, and at once when that is known.
func TestNoneAnswers(t *testing.T) {
	a := newFake(t)
	a.say(silent)
	e := engine(t, "100ms", a)
	for range 2 {
		if _, err := e.Offer(context.Background(), call1("x")); !errors.Is(err, backends.ErrUnavailable) {
			t.Error(err)
		}
	}
	if n := len(a.asked()); n > tries {
		t.Errorf("%d commands were sent to who does not answer", n)
	}
}

// An operator takes a node out for new calls; those it has stay.
func TestDisabled(t *testing.T) {
	a, b := newFake(t), newFake(t)
	e := engine(t, "5s", a, b)
	if _, err := e.Offer(context.Background(), call1("old")); err != nil {
		t.Fatal(err)
	}
	has := e.calls.get([]byte("old")).node
	told := 0
	e.WatchNodes(func(n backends.MediaNode) {
		if told++; n.Enabled || n.Address != has.address {
			t.Errorf("told %+v", n)
		}
	})
	defer func() {
		if e.Enable(has.address, false); told != 1 {
			t.Errorf("told %d times that it is disabled", told)
		}
	}()
	if !e.Enable(has.address, false) || e.Enable("192.0.2.1:1", false) {
		t.Error("a node is not known, or one that is none")
	}
	for i := range 20 {
		c := call1(fmt.Sprint("new", i))
		if _, err := e.Offer(context.Background(), c); err != nil || e.calls.get(c.CallID).node == has {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	if _, err := e.Offer(context.Background(), call1("old")); err != nil ||
		e.calls.get([]byte("old")).node != has {
		t.Error("the old call moved", err)
	}
}

// A node is known by its address, however that is written.
func TestOneAddressWrittenInTwoWays(t *testing.T) {
	for _, same := range []string{"[::FFFF:127.0.0.1]:9", "127.0.0.1:09"} {
		if _, diags := opened("1s", "127.0.0.1:9", same); len(diags) != 1 {
			t.Errorf("127.0.0.1:9 and %s: %v", same, diags)
		}
	}
	b, diags := opened("1s", "[0:0::1]:9")
	if diags != nil {
		t.Fatal(diags)
	}
	defer b.Close()
	e := b.(*Engine)
	if !e.Enable("[0:0::1]:9", false) || !e.Enable("[::1]:9", false) || e.Nodes()[0].Enabled {
		t.Error("it is not found by its address")
	}
	if e.Enable("[::1]", false) {
		t.Error("what is no address is a node")
	}
}

// A node to which there is no route when the server starts is up when there is one.
func TestRouteComesLater(t *testing.T) {
	a := newFake(t)
	n, err := newNode(netip.MustParseAddrPort("[fe80::1%none]:9"), 1)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer n.close()
	n.down.Store(true)
	if _, err := n.ask(t.Context(), &command{Command: "ping"}, tries*time.Millisecond); err == nil {
		t.Error("there is a route to it")
	}
	n.addr = netip.MustParseAddrPort(a.address())
	running.Go(n.read)
	running.Go(func() { n.watch(health{every: 10 * time.Millisecond}, func() {}) })
	eventually(t, "it is up", func() bool { return !n.down.Load() })
}

// Calls are spread by weight, and of those of others none moves when a node is added.
func TestOrder(t *testing.T) {
	e := &Engine{}
	for i, w := range []int{1, 2, 1} {
		e.nodes = append(e.nodes, &node{address: netip.AddrPortFrom(
			netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 2223).String(), weight: w})
	}
	two := &Engine{nodes: e.nodes[:2]}
	const calls = 20_000
	var got [3]int
	for i := range calls {
		id := fmt.Append(nil, "call", i)
		first := e.order(id)[0]
		n := slices.Index(e.nodes, first)
		got[n]++
		if n < 2 && two.order(id)[0] != first {
			t.Fatal("a call moved that the new node does not have")
		}
	}
	for i, want := range []int{calls / 4, calls / 2, calls / 4} {
		if d := got[i] - want; d > calls/50 || d < -calls/50 {
			t.Errorf("node %d has %d calls, want %d", i, got[i], want)
		}
	}
}

// What is known of calls is bounded; what is asked for stays.
func TestCalls(t *testing.T) {
	c, kept := newCalls(100), &node{}
	c.set([]byte("kept"), call{node: kept})
	for i := range 10_000 {
		c.set(fmt.Append(nil, i), call{late: true})
		if i%20 == 0 && c.get([]byte("kept")).node != kept {
			t.Fatal("a call that goes on was forgotten")
		}
	}
	if n := len(c.young) + len(c.old); n > 100 {
		t.Errorf("%d calls are known", n)
	}
	if c.drop([]byte("kept")); c.get([]byte("kept")).node != nil {
		t.Error("it is still known")
	}
}

func TestCommand(t *testing.T) {
	b, _ := json.Marshal(commandOf("offer", &backends.Call{
		CallID: []byte("c"), Offerer: []byte("f"), SDP: []byte("v=0"), Profile: "webrtc",
		Family: "inet6", Source: "2001:db8::1", From: "inside", To: "outside",
	}))
	const want = `{"command":"offer","call-id":"c","from-tag":"f","sdp":"v=0",` +
		`"replace":["origin","session-connection"],` +
		`"flags":["loop-protect","generate-mid","SIP-source-address"],` +
		`"received-from":["IP6","2001:db8::1"],"transport-protocol":"UDP/TLS/RTP/SAVPF",` +
		`"ICE":"force","SDES":["off"],"rtcp-mux":["offer","require"],"address-family":"IP6",` +
		`"direction":["inside","outside"]}`
	if string(b) != want {
		t.Errorf("want %s\ngot  %s", want, b)
	}
	// RTCP stays on the port of RTP for who has it there, whatever the other side wants.
	if got := commandOf("offer", &backends.Call{}).RTCPMux; !slices.Equal(got, []string{"accept"}) {
		t.Errorf("an offer to who is not known to speak a profile has rtcp-mux %v", got)
	}
}

// The log warns of a node that went down, and tells of one that came back.
func TestTold(t *testing.T) {
	var log bytes.Buffer
	e := &Engine{log: slog.New(slog.NewTextHandler(&log, nil))}
	n := &node{address: "192.0.2.1:2223"}
	for _, down := range []bool{true, false} {
		n.down.Store(down)
		e.tell("media", n)
	}
	lines := strings.Split(log.String(), "\n")
	if !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[1], "level=INFO") {
		t.Errorf("want a warning and a note, got\n%s", &log)
	}
}
