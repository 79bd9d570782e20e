package main

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sipedge/sip/transport/porttest"
)

// relayNode is an rtpengine of a test: in user space, on loopback.
type relayNode struct {
	cmd *exec.Cmd
	ng  netip.AddrPort
	low int // its media ports are this and those above, relayPorts of them
}

// Ports of nodes are below those that other sockets get, of themselves or of porttest: who is sent
// to one is sent to a node. Browsers send to them all; not so to 6000.
const relayPort, relayPorts = 7000, 1500

// relays counts nodes: one and the next have ports of their own.
var relays atomic.Int64

// startRelay starts a node that lives as long as the test.
func startRelay(t *testing.T) *relayNode {
	t.Helper()
	low := relayPort + int(relays.Add(1)%2)*relayPorts
	n := &relayNode{ng: porttest.Free(t), low: low}
	n.cmd = exec.Command("rtpengine", "--table=-1", "--foreground", "--log-stderr", "--log-level=3",
		"--interface=127.0.0.1", "--interface=::1", "--listen-ng="+n.ng.String(),
		"--num-threads=2", "--config-file=none", "--delete-delay=0",
		"--port-min="+strconv.Itoa(low), "--port-max="+strconv.Itoa(low+relayPorts-1))
	var log bytes.Buffer
	n.cmd.Stderr = &log
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.cmd.Process.Signal(syscall.SIGCONT)
		n.cmd.Process.Kill()
		n.cmd.Wait()
		if t.Failed() {
			t.Logf("rtpengine at %s:\n%s", n.ng, log.String())
		}
	})
	for end := time.Now().Add(20 * time.Second); n.ask(t, "ping") == ""; {
		if time.Now().After(end) {
			t.Fatalf("rtpengine does not answer:\n%s", log.String())
		}
	}
	return n
}

// ask sends a command that has no arguments but perhaps a call, and returns what the node says;
// "": nothing within 200 ms.
func (n *relayNode) ask(t *testing.T, command string, callID ...string) string {
	t.Helper()
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(n.ng))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, `test%d {"command":%q,"call-id":%q}`, time.Now().UnixNano(), command,
		strings.Join(callID, ""))
	c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	buf := make([]byte, 64<<10)
	size, _ := c.Read(buf)
	return string(buf[:size])
}

// forgets waits until the node has no media of a call.
func (n *relayNode) forgets(t *testing.T, callID string) {
	t.Helper()
	await(t, 20*time.Second, func() (string, bool) {
		said := n.ask(t, "query", callID)
		return "call " + callID + " is left at the node: " + said,
			strings.Contains(said, "Unknown call-id")
	})
}

// stops stops the node: when it returns none of its threads runs. They do for a while after the
// signal.
func (n *relayNode) stops(t *testing.T) {
	t.Helper()
	n.cmd.Process.Signal(syscall.SIGSTOP)
	await(t, 20*time.Second, func() (string, bool) {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", n.cmd.Process.Pid))
		stopped := 0
		for _, file := range threads {
			b, _ := os.ReadFile(file)
			if i := bytes.LastIndexByte(b, ')'); bytes.HasPrefix(b[i+1:], []byte(" T ")) {
				stopped++
			}
		}
		return fmt.Sprintf("%d of %d threads have stopped", stopped, len(threads)),
			stopped > 0 && stopped == len(threads)
	})
}

// has reports whether media at a port goes through the node.
func (n *relayNode) has(port int) bool { return port >= n.low && port < n.low+relayPorts }

// mediaParty is a user agent that sends what it is told, with a socket for its media.
type mediaParty struct {
	t     *testing.T
	sip   *net.UDPConn
	media *net.UDPConn
}

func newMediaParty(t *testing.T) *mediaParty {
	t.Helper()
	return newMediaPartyAt(t, net.IPv4(127, 0, 0, 1))
}

func newMediaPartyAt(t *testing.T, ip net.IP) *mediaParty {
	t.Helper()
	p := &mediaParty{t: t}
	for _, to := range []**net.UDPConn{&p.sip, &p.media} {
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: ip})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		*to = c
	}
	return p
}

func portOf(c *net.UDPConn) int { return c.LocalAddr().(*net.UDPAddr).Port }

// sdp is a session description of audio at a port.
func sdpAt(port int) string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"+
		"m=audio %d RTP/AVP 0\r\n", port)
}

var mediaLine = regexp.MustCompile(`(?m)^m=audio (\d+) `)

// mediaPort is where a message has media sent; 0: it does not say.
func mediaPort(message string) int {
	m := mediaLine.FindStringSubmatch(message)
	if m == nil {
		return 0
	}
	port, _ := strconv.Atoi(m[1])
	return port
}

// field is the value of the first header field of a name.
func field(message, name string) string {
	for line := range strings.SplitSeq(message, "\r\n") {
		if v, ok := strings.CutPrefix(line, name+": "); ok {
			return v
		}
	}
	return ""
}

// fields are all lines of a name, with their ends.
func fieldLines(message, name string) (lines string) {
	for line := range strings.SplitSeq(message, "\r\n") {
		if strings.HasPrefix(line, name+": ") {
			lines += line + "\r\n"
		}
	}
	return lines
}

// request writes a request of a call; route is the Route it has.
func (p *mediaParty) request(method, uri, call, from, to, route, body string, cseq int) string {
	kind := ""
	if body != "" {
		kind = "Content-Type: application/sdp\r\n"
	}
	at := p.sip.LocalAddr().String()
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s%d%s\r\n%s"+
		"Max-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n"+
		"Contact: <sip:%s>\r\n%sContent-Length: %d\r\n\r\n%s",
		method, uri, at, call, cseq, method, route, from, to, call, cseq, method, at, kind,
		len(body), body)
}

// reply writes what answers a request.
func (p *mediaParty) reply(request, status, body string) string {
	to := field(request, "To")
	if !strings.Contains(to, ";tag=") {
		to += ";tag=callee"
	}
	kind := ""
	if body != "" {
		kind = "Content-Type: application/sdp\r\n"
	}
	return "SIP/2.0 " + status + "\r\n" + fieldLines(request, "Via") +
		fieldLines(request, "Record-Route") + "From: " + field(request, "From") + "\r\nTo: " + to +
		"\r\nCall-ID: " + field(request, "Call-ID") + "\r\nCSeq: " + field(request, "CSeq") +
		fmt.Sprintf("\r\nContact: <sip:%s>\r\n%sContent-Length: %d\r\n\r\n%s",
			p.sip.LocalAddr(), kind, len(body), body)
}

// callee answers whatever comes, an INVITE with a session description, until its socket is closed.
// Each INVITE is told to seen, if there is one.
func (p *mediaParty) callee(seen func(invite string)) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := p.sip.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		m := string(buf[:n])
		switch {
		case strings.HasPrefix(m, "INVITE busy"), strings.HasPrefix(m, "INVITE sip:busy"):
			seen(m)
			p.sip.WriteToUDPAddrPort([]byte(p.reply(m, "486 Busy Here", "")), from)
		case strings.HasPrefix(m, "INVITE"):
			seen(m)
			p.sip.WriteToUDPAddrPort([]byte(p.reply(m, "200 OK", sdpAt(portOf(p.media)))), from)
		case strings.HasPrefix(m, "BYE"):
			p.sip.WriteToUDPAddrPort([]byte(p.reply(m, "200 OK", "")), from)
		}
	}
}

// mediaTimeout is how long a node may take to answer a command in mediaPolicy.
const mediaTimeout = time.Second

// mediaPolicy relays calls to a callee, with media by nodes.
func mediaPolicy(callee *mediaParty, nodes ...*relayNode) string {
	list := ""
	for _, n := range nodes {
		list += fmt.Sprintf("{udp: %q}, ", n.ng)
	}
	return testHead + `
backends:
  media: {rtpengine: {nodes: [` + list + `], ping: 300ms, timeout: ` + mediaTimeout.String() + `}}
routes:
  request:
    - match: {in_dialog: true}
      do: [{loose_route: {}}, {rtpengine: {backend: media}}, {relay: {reply: media}}]
    - match: {source: 127.0.0.0/8}
      do:
        - record_route: {}
        - rtpengine: {backend: media}
        - relay: {to: "sip:` + callee.sip.LocalAddr().String() + `", reply: media}
    - do: [{reply: {code: 403}}]
  reply: {media: [{do: [{rtpengine: {backend: media}}]}]}
`
}

// dialled is what a caller knows of a call.
type dialled struct {
	id, from, to, route, target string
	port                        int // of the answer
	began                       time.Time
	took                        time.Duration // from INVITE to its final reply
	status                      string
}

// call makes a call from a socket of its own, up to the ACK.
func (p *mediaParty) call(edge netip.AddrPort, user, id string) (d dialled, err error) {
	d = dialled{id: id, from: "<sip:caller@127.0.0.1>;tag=" + id, began: time.Now()}
	uri := "sip:" + user + "@127.0.0.1"
	invite := p.request("INVITE", uri, id, d.from, "<"+uri+">", "", sdpAt(portOf(p.media)), 1)
	buf := make([]byte, 64<<10)
	for range 8 {
		if _, err = p.sip.WriteToUDPAddrPort([]byte(invite), edge); err != nil {
			return d, err
		}
		for {
			p.sip.SetReadDeadline(time.Now().Add(time.Second))
			n, err := p.sip.Read(buf)
			if err != nil {
				break // sent again
			}
			m := string(buf[:n])
			if d.status = m[8:11]; field(m, "Call-ID") != id || d.status < "200" {
				continue
			}
			d.took, d.port, d.to = time.Since(d.began), mediaPort(m), field(m, "To")
			d.target = strings.Trim(field(m, "Contact"), "<>")
			if rr := field(m, "Record-Route"); rr != "" {
				d.route = "Route: " + rr + "\r\n"
			}
			if d.status >= "300" {
				d.target, d.route = uri, ""
				ack := p.request("ACK", uri, id, d.from, d.to, "", "", 1)
				ack = strings.Replace(ack, id+"1ACK", id+"1INVITE", 1)
				_, err = p.sip.WriteToUDPAddrPort([]byte(ack), edge)
				return d, err
			}
			ack := p.request("ACK", d.target, id, d.from, d.to, d.route, "", 1)
			_, err = p.sip.WriteToUDPAddrPort([]byte(ack), edge)
			return d, err
		}
	}
	return d, fmt.Errorf("no answer to call %s", id)
}

// bye ends a call.
func (p *mediaParty) bye(edge netip.AddrPort, d dialled) {
	bye := p.request("BYE", d.target, d.id, d.from, d.to, d.route, "", 2)
	p.sip.WriteToUDPAddrPort([]byte(bye), edge)
}

// hears sends packets of RTP from one socket to a port of its own host until another has got one
// from a port of the node.
func hears(from *net.UDPConn, port int, to *net.UDPConn, n *relayNode) error {
	plain := func(packet []byte) ([]byte, error) { return packet, nil }
	return hearsOver(from, port, plain, to, n, plain)
}

// hearsOver is hears for packets that are sealed before they are sent, and opened when they came.
func hearsOver(from *net.UDPConn, port int, seal func([]byte) ([]byte, error),
	to *net.UDPConn, n *relayNode, open func([]byte) ([]byte, error)) error {
	packet := append([]byte{0x80, 0}, make([]byte, 170)...)
	buf := make([]byte, 1500)
	host := from.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	target := netip.AddrPortFrom(host, uint16(port))
	for i := range 50 {
		packet[3] = byte(i)
		sealed, err := seal(packet)
		if err != nil {
			return err
		}
		from.WriteToUDPAddrPort(sealed, target)
		to.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		size, by, err := to.ReadFromUDPAddrPort(buf)
		if err != nil || !n.has(int(by.Port())) {
			continue
		}
		got, err := open(buf[:size])
		if err != nil {
			return fmt.Errorf("a packet of %d bytes: %w", size, err)
		}
		if len(got) == len(packet) && bytes.Equal(got[12:], packet[12:]) {
			return nil
		}
	}
	return fmt.Errorf("no media came by port %d", port)
}

// Media flows through the node both ways, by addresses that replaced those of the parties; it ends
// with a BYE, and with a call that fails.
func TestMediaThroughRealRelay(t *testing.T) {
	needs(t, "rtpengine")
	node := startRelay(t)
	alice, bob := newMediaParty(t), newMediaParty(t)
	invites := make(chan string, 100)
	go bob.callee(func(m string) { invites <- m })
	s := startServer(t, mediaPolicy(bob, node))
	edge := s.addr("udp", false)

	d, err := alice.call(edge, "bob", "flows")
	if err != nil || d.status != "200" {
		t.Fatal(d, err, s.lines())
	}
	offered := mediaPort(<-invites)
	if !node.has(offered) || !node.has(d.port) || offered == d.port {
		t.Fatalf("media is offered at %d and answered at %d: not of the node", offered, d.port)
	}
	if err := hears(alice.media, d.port, bob.media, node); err != nil {
		t.Error("from alice to bob:", err)
	}
	if err := hears(bob.media, offered, alice.media, node); err != nil {
		t.Error("from bob to alice:", err)
	}
	alice.bye(edge, d)
	if d, err = alice.call(edge, "busy", "fails"); err != nil || d.status != "486" {
		t.Error(d, err)
	}
	node.forgets(t, "flows")
	node.forgets(t, "fails")
}

// One of two nodes is stopped in the middle of 50 calls a second: none stalls, and all but those
// under way at that moment have media by the other; when it is back it gets calls again.
func TestMediaNodeStops(t *testing.T) {
	needs(t, "rtpengine")
	nodes := []*relayNode{startRelay(t), startRelay(t)}
	bob := newMediaParty(t)
	go bob.callee(func(string) {})
	s := startServer(t, mediaPolicy(bob, nodes...))
	edge := s.addr("udp", false)

	phase := 2 * time.Second
	if soaking() {
		phase = 20 * time.Second
	}
	const rate = 50
	type result struct {
		dialled
		phase int
		err   error
	}
	var mu sync.Mutex
	var results []result
	var calls sync.WaitGroup
	var stopped time.Time
	for i := range 3 { // both, one, both again
		switch i {
		case 1:
			stopped = time.Now()
			nodes[0].stops(t)
		case 2:
			nodes[0].cmd.Process.Signal(syscall.SIGCONT)
		}
		beat := time.NewTicker(time.Second / rate)
		for n := range int(phase.Seconds() * rate) {
			<-beat.C
			p := newMediaParty(t)
			calls.Go(func() {
				defer p.media.Close()
				defer p.sip.Close()
				d, err := p.call(edge, "bob", fmt.Sprintf("c%d-%d", i, n))
				if err == nil {
					p.bye(edge, d)
				}
				mu.Lock()
				defer mu.Unlock()
				results = append(results, result{d, i, err})
			})
		}
		beat.Stop()
	}
	calls.Wait()
	by, bare, waited := [3][2]int{}, 0, 0
	var before, after time.Duration // the slowest of those that ended before the stop; of the others
	for _, r := range results {
		if r.began.Add(r.took).Before(stopped) {
			before = max(before, r.took)
		} else {
			after = max(after, r.took)
		}
		if r.took > mediaTimeout/2 {
			waited++
		}
		switch {
		case r.err != nil || r.status != "200":
			t.Errorf("call %s: %s %v", r.id, r.status, r.err)
		case nodes[0].has(r.port):
			by[r.phase][0]++
		case nodes[1].has(r.port):
			by[r.phase][1]++
		default:
			bare++
		}
	}
	t.Logf("calls by node and phase %v, without %d; the slowest took %v, with a node stopped %v; "+
		"%d waited for it", by, bare, before, after, waited)
	all := len(results) / 3
	if bare > len(results)/50 {
		t.Errorf("%d calls have no media by a node", bare)
	}
	// What waits for the silent node does so once, and nothing does when it has failed one.
	if after >= 2*mediaTimeout {
		t.Errorf("with a node stopped a call took %v, want less than %v", after, 2*mediaTimeout)
	}
	if most := int(rate * mediaTimeout.Seconds()); waited > most {
		t.Errorf("%d calls waited for a node that is stopped, want at most %d", waited, most)
	}
	if by[0][0] < all/4 || by[0][1] < all/4 || by[1][0] > all/20 || by[1][1] < all*9/10 ||
		by[2][0] < all/10 {
		t.Errorf("of %d calls a phase the nodes have %v", all, by)
	}
}
