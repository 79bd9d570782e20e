package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sipedge/sip"
)

// The torture messages of RFC 4475 and RFC 5118 against a running server: testdata/torture.txt
// says what becomes of each, over UDP and over TCP. The server sends everything on to one user
// agent, which answers 404: statefully those of RFC 4475, statelessly those of RFC 5118, some of
// which claim to be the same transaction. What did not come is known by probes behind the
// message, which pass the server, the user agent and the server again in the same queues.

const torturePolicy = testHead + `
limits: {message_time: 1s, udp_request: 64KiB}
timers: {T1: 30s} # nothing is sent again beside the next message
workers: 1
routes:
  request:
    - match: {method: OPTIONS, uri: {user: torture-probe}}
      do: [{reply: {code: 200, reason: Probe}}]
    - match: {method: ACK}
      do: [{drop: {}}]
    - do: [{%s: {to: "sip:%s"}}]
`

func TestTorture(t *testing.T) {
	lines := tortureLines(t)
	for i, transport := range []string{"UDP", "TCP"} {
		for _, folder := range []string{"rfc4475", "rfc5118", "rfc5118-wire"} {
			t.Run(transport+"/"+folder, func(t *testing.T) {
				uas := startTortureUAS(t)
				action := "forward"
				if folder == "rfc4475" {
					action = "relay"
				}
				s := startServer(t, fmt.Sprintf(torturePolicy, action, uas.conn.LocalAddr()))
				udp := newTortureUDP(t, s.addr("udp", false), uas)
				udp.stateful = action == "relay"
				send := udp.send
				if transport == "TCP" {
					send = func(b []byte) []string { return udp.overTCP(s.addr("tcp", false), b) }
				}
				files, err := filepath.Glob("../../sip/testdata/torture/" + folder + "/*")
				if err != nil || len(files) == 0 {
					t.Fatal("no messages", err)
				}
				for _, file := range files {
					name := folder + "/" + filepath.Base(file)
					want := lines[name]
					if want == nil {
						t.Errorf("testdata/torture.txt has no line for %s", name)
						continue
					}
					b, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					if got := uas.outcome(b, send(b)); got != want[i] {
						t.Errorf("%s: %s, want %s", name, got, want[i])
					}
				}
				t.Logf("%d messages", len(files))
			})
		}
	}
}

// tortureLines reads what is wanted: outcomes over UDP and TCP by file.
func tortureLines(t *testing.T) map[string][]string {
	want, err := os.ReadFile("testdata/torture.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string][]string{}
	for line := range strings.Lines(string(want)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0] == "#":
		case len(f) < 5:
			t.Fatalf("line %q: want file, UDP, TCP, section, reason", line)
		default:
			lines[f[0]] = f[1:3]
		}
	}
	return lines
}

const probe = "OPTIONS sip:torture-probe@127.0.0.1 SIP/2.0\r\n" +
	"Via: SIP/2.0/%s 127.0.0.7;rport;branch=z9hG4bK-probe-%d\r\n" +
	"Max-Forwards: 70\r\nFrom: <sip:probe@127.0.0.7>;tag=probe\r\n" +
	"To: <sip:torture-probe@127.0.0.1>\r\n" +
	"Call-ID: torture-probe\r\nCSeq: %[2]d OPTIONS\r\nContent-Length: 0\r\n\r\n"

// tortureUAS answers 404 to everything and keeps what it got.
type tortureUAS struct {
	conn   *net.UDPConn
	got    chan []byte
	synced chan struct{}
}

func startTortureUAS(t *testing.T) *tortureUAS {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 8)})
	if err != nil {
		t.Fatal(err)
	}
	u := &tortureUAS{conn: conn, got: make(chan []byte, 64), synced: make(chan struct{})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 65536)
		var m sip.Message
		count := 1 << 20 // of probes: others than those of the client
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if to, ok := strings.CutPrefix(string(buf[:n]), "sync "); ok {
				count++
				server := netip.MustParseAddrPort(to)
				conn.WriteToUDPAddrPort(fmt.Appendf(nil, probe, "UDP", count), server)
				continue
			}
			if answer(string(buf[:n])) == "probe" {
				u.synced <- struct{}{}
				continue
			}
			if m.Parse(buf[:n]) == nil && m.IsRequest() && m.Method() != sip.ACK {
				u.got <- bytes.Clone(buf[:n])
				r := sip.AppendReply(nil, &m, 404, "Torture", []byte("uas"), nil)
				conn.WriteToUDPAddrPort(r, from)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-ended })
	return u
}

var longForms = map[string]string{"v": "via", "l": "content-length"}

// outcome names what became of message b: "forward", as often as it was, the statuses of the
// server's own, "closed", or "drop" for none of these.
func (u *tortureUAS) outcome(b []byte, answers []string) string {
	var out []string
	back := 0
	for len(u.got) > 0 {
		if changed := changes(b, <-u.got); changed != "" {
			return "changed:" + changed
		}
		out = append(out, "forward")
	}
	forwarded := len(out)
	for _, a := range answers {
		switch {
		case a == "404" && back < forwarded:
			back++
		case a != "100":
			out = append(out, a)
		}
	}
	if back < forwarded && !slices.Contains(answers, "closed") {
		out = append(out, "unanswered")
	}
	if len(out) == 0 {
		return "drop"
	}
	return strings.Join(out, "+")
}

// changes names a header field of the message sent that is not in what came, byte for byte.
// Fields a proxy writes are left out.
func changes(sent, came []byte) string {
	head, _, _ := bytes.Cut(came, []byte("\r\n\r\n"))
	fields := regexp.MustCompile(`(?m)^[^\s:]+[ \t]*:.*\r\n(?:[ \t].*\r\n)*`).FindAll(sent, -1)
	start, _, _ := bytes.Cut(came, []byte("\r\n"))
	if !bytes.Contains(sent, start) {
		return "start-line"
	}
	for _, f := range fields {
		name, _, _ := strings.Cut(string(f), ":")
		name = strings.ToLower(strings.TrimSpace(name))
		if long, ok := longForms[name]; ok {
			name = long
		}
		switch name {
		case "via", "max-forwards", "content-length", "route":
			continue
		}
		if end := bytes.Index(sent, []byte("\r\n\r\n")); bytes.Index(sent, f) < end &&
			!bytes.Contains(append(head, '\r', '\n'), f) && !bytes.Contains(sent[end+4:], start) {
			return name
		}
	}
	return ""
}

// tortureUDP sends from 127.0.0.7 and listens on every port a torture message's Via names.
type tortureUDP struct {
	t     *testing.T
	conns []*net.UDPConn
	to    netip.AddrPort
	uas   *tortureUAS
	in    chan string
	count int

	stateful bool            // the finals of INVITEs come again, since nobody acknowledges them
	heard    map[string]bool // responses
}

func newTortureUDP(t *testing.T, to netip.AddrPort, uas *tortureUAS) *tortureUDP {
	u := &tortureUDP{
		t: t, to: to, uas: uas, in: make(chan string, 64), heard: map[string]bool{},
	}
	for _, port := range []int{5060, 5050, 5070, 6050, 19823} {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 7), Port: port})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			buf := make([]byte, 65536)
			for {
				n, _, err := conn.ReadFromUDP(buf)
				if err != nil {
					return
				}
				u.in <- string(buf[:n])
			}
		}()
		t.Cleanup(func() { conn.Close(); <-ended })
		u.conns = append(u.conns, conn)
	}
	return u
}

// answer is the status of a response, "probe" for that of the probe.
func answer(response string) string {
	if strings.Contains(response, "Call-ID: torture-probe\r\n") {
		return "probe"
	}
	w := strings.Fields(response)
	if len(w) < 2 || w[0] != "SIP/2.0" {
		return "strange"
	}
	return w[1]
}

// send returns the statuses that come back for a datagram.
func (u *tortureUDP) send(b []byte) (answers []string) {
	u.conns[0].WriteToUDPAddrPort(b, u.to)
	answers = append(u.probe(), u.settle()...)
	for _, c := range u.conns { // what was sent to any of them is read before this
		u.conns[0].WriteToUDPAddrPort([]byte("flush"), c.LocalAddr().(*net.UDPAddr).AddrPort())
	}
	for range u.conns {
		answers = append(answers, u.until("flush")...)
	}
	return answers
}

// settle waits until what the user agent was sent is answered and that went through the server:
// a probe of the user agent's goes the way of its answers, whichever reader takes them.
func (u *tortureUDP) settle() []string {
	u.conns[0].WriteToUDPAddrPort([]byte("sync "+u.to.String()),
		u.uas.conn.LocalAddr().(*net.UDPAddr).AddrPort())
	select {
	case <-u.uas.synced:
	case <-time.After(10 * time.Second):
		u.t.Fatal("no probe of the user agent came back")
	}
	return u.probe()
}

func (u *tortureUDP) probe() []string {
	u.count++
	u.conns[0].WriteToUDPAddrPort(fmt.Appendf(nil, probe, "UDP", u.count), u.to)
	return u.until("probe")
}

// until collects statuses up to a mark.
func (u *tortureUDP) until(mark string) (answers []string) {
	for {
		select {
		case response := <-u.in:
			a := answer(response)
			if response == mark || a == mark {
				return answers
			}
			if !u.stateful || !u.heard[response] {
				answers = append(answers, a)
			}
			u.heard[response] = true
		case <-time.After(10 * time.Second):
			u.t.Fatalf("no %s came back", mark)
		}
	}
}

// overTCP sends a message on a connection of its own.
func (u *tortureUDP) overTCP(to netip.AddrPort, b []byte) (answers []string) {
	conn, err := net.Dial("tcp", to.String())
	if err != nil {
		u.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	conn.Write(b)
	for i := range 2 {
		if i == 0 {
			time.Sleep(30 * time.Millisecond) // a broken message takes the connection with it
		}
		u.settle()
		fmt.Fprintf(conn, probe, "TCP", i)
	}
	// The first may be taken for the rest of the message.
	in, err := io.ReadAll(untilProbe{conn, "CSeq: 1 OPTIONS\r\n", new(bytes.Buffer)})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		u.t.Fatal("the connection is neither of use nor closed")
	}
	var frame sip.Framer
	for {
		kind, n, ferr := frame.Next(in, 65535)
		switch {
		case ferr != nil:
			u.t.Fatalf("unreadable answer: %v", ferr)
		case kind == sip.Incomplete && errors.Is(err, errProbed):
			return answers
		case kind == sip.Incomplete:
			return append(answers, "closed")
		case kind == sip.Complete:
			if a := answer(string(in[:n])); a != "probe" {
				answers = append(answers, a)
			}
		}
		in = in[n:]
	}
}

var errProbed = errors.New("the probe came back")

// untilProbe reads until the answer with that line came, or the connection ended.
type untilProbe struct {
	conn net.Conn
	line string
	all  *bytes.Buffer
}

func (r untilProbe) Read(b []byte) (int, error) {
	if bytes.Contains(r.all.Bytes(), []byte(r.line)) &&
		bytes.HasSuffix(r.all.Bytes(), []byte("\r\n\r\n")) {
		return 0, errProbed
	}
	n, err := r.conn.Read(b)
	r.all.Write(b[:n])
	return n, err
}
