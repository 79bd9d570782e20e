package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"sipedge/backends"
	"sipedge/backends/sqlite"
	"sipedge/cmd/sipedge/internal/ctlsocket"
	"sipedge/router"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/tcp"
	"sipedge/sip/transport/udp"
)

// nameServer answers for the hosts of a zone; those that end in .void get no answer.
func nameServer(t *testing.T, zone map[string]string) netip.AddrPort {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started, ended := make(chan struct{}), make(chan error, 1)
	s := &dns.Server{PacketConn: c, NotifyStartedFunc: func() { close(started) }}
	s.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, m *dns.Msg) {
		q := m.Question[0]
		if strings.HasSuffix(q.Name, ".void.") {
			return
		}
		reply := new(dns.Msg).SetReply(m)
		if addr, ok := zone[strings.TrimSuffix(q.Name, ".")]; !ok {
			reply.Rcode = dns.RcodeNameError
		} else if q.Qtype == dns.TypeA {
			rr, err := dns.NewRR(q.Name + " 60 IN A " + addr)
			if err != nil {
				panic(err)
			}
			reply.Answer = append(reply.Answer, rr)
		}
		_ = w.WriteMsg(reply)
	})
	go func() { ended <- s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// online holds a policy against the world and returns what is found, a line each.
func online(t *testing.T, policy string, drivers transport.Drivers, bound time.Duration) []string {
	t.Helper()
	doc, src, diags := schema.LoadBytes("p.yaml", []byte(policy), router.Vocabulary())
	if doc == nil {
		t.Fatal(diags.Text(src))
	}
	p, diags := router.Prove(doc, router.Env{})
	if p == nil {
		t.Fatal(diags.Text(src))
	}
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	var found []string
	for _, d := range Online(ctx, &Subject{Doc: doc, Policy: p, Drivers: drivers}) {
		marked := ""
		if line := strings.Split(policy, "\n")[d.Pos.Line-1]; d.End > 0 {
			marked = line[d.Pos.Col-1 : d.End-1]
		}
		found = append(found, fmt.Sprintf("%d %q %s %s: %s", d.Pos.Line, marked, d.Severity, d.Code,
			d.Message))
	}
	return found
}

var realDrivers = transport.Drivers{sip.UDP: udp.Listen, sip.TCP: tcp.Listen}

// free is an address nobody listens on.
func free(t *testing.T, network string) string {
	t.Helper()
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.LocalAddr().String()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestOnlineListeners(t *testing.T) {
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	policy := fmt.Sprintf(`version: 1
admin: {listen: %q}
listen:
  - {udp: %q}
  - {tcp: %q}
  - {udp: "203.0.113.7:5060"}
  - {udp: %q}
routes: {request: [{do: [{reply: {code: 404}}]}]}
`, l.Addr(), u.LocalAddr(), free(t, "tcp"), free(t, "udp"))
	held := l.Addr().String()
	want := []string{
		fmt.Sprintf("2 %q warning SE2005: admin %s is in use", held, held),
		fmt.Sprintf("4 %q warning SE2005: udp %s is in use", u.LocalAddr(), u.LocalAddr()),
		`6 "203.0.113.7:5060" error SE2006: ` +
			`udp 203.0.113.7:5060: 203.0.113.7 is not an address of this host`,
	}
	for range 2 { // what was opened is closed again
		if d := cmp.Diff(want, online(t, policy, realDrivers, time.Minute)); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
	}
}

func TestOnlineSocket(t *testing.T) {
	dir := t.TempDir()
	used, file := filepath.Join(dir, "used.sock"), filepath.Join(dir, "file")
	l, err := ctlsocket.Listen(used)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	inUse := fmt.Sprintf("2 %q warning SE2005: socket %s is in use", used, used)
	noSocket := fmt.Sprintf("2 %q error SE2008: socket %s: something else is there", file, file)
	for path, want := range map[string][]string{
		filepath.Join(dir, "free.sock"):        nil,
		filepath.Join(dir, "none", "new.sock"): nil,
		used:                                   {inUse},
		file:                                   {noSocket},
	} {
		got := online(t, fmt.Sprintf(`version: 1
admin: {listen: none, socket: %s}
listen: [{udp: "127.0.0.1:0"}]
routes: {request: [{do: [{reply: {code: 404}}]}]}
`, path), realDrivers, time.Minute)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("it leaves %v, %v", entries, err)
	}
}

// What this machine would not refuse to root.
func TestOnlineRefusals(t *testing.T) {
	drivers := transport.Drivers{sip.UDP: func(e transport.Env) (transport.Socket, error) {
		switch e.Listener.Addr.Port() {
		case 80:
			return nil, fmt.Errorf("bind: %w", syscall.EACCES)
		case 81:
			return nil, fmt.Errorf("socket: %w", syscall.EAFNOSUPPORT)
		}
		return nil, errors.New("out of order")
	}}
	got := online(t, `version: 1
admin: {listen: none}
listen: [{udp: "127.0.0.1:80"}, {udp: "127.0.0.1:81"}, {udp: "127.0.0.1:82"}]
routes: {request: [{do: [{reply: {code: 404}}]}]}
`, drivers, time.Minute)
	want := []string{
		`3 "127.0.0.1:80" error SE2007: udp 127.0.0.1:80 is not permitted to this user`,
		`3 "127.0.0.1:81" error SE2008: udp 127.0.0.1:81: ` + syscall.EAFNOSUPPORT.Error(),
		`3 "127.0.0.1:82" error SE2008: udp 127.0.0.1:82: ` +
			`listen on udp 127.0.0.1:82: out of order`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// named is a policy that names hosts. %s is the DNS servers.
const named = `version: 1
admin: {listen: none}
listen: [{udp: "127.0.0.1:0"}]
domains: [ours.example]
dns: {servers: [%s], budget: 1s}
routes:
  request:
    - match: {method: OPTIONS}
      do: [{rewrite_uri: "sip:nowhere.example"}, {relay: {to: "sip:gw.example;transport=tcp"}}]
    - match: {method: INFO}
      do: [{rewrite_uri: "sip:bob@ours.example"}, {append_branch: {uri: "sip:x@10.0.0.1"}},
        {relay: {to: "sip:GONE.example:5070"}}]
    - match: {method: MESSAGE}
      do: [{append_branch: {to: "sip:gone.example"}}, {relay: {to: "sip:slow.void"}}]
    - match: {method: UPDATE}
      do: [{dispatch: {set: pstn}}, {relay: {}}]
    - do: [{relay: {to: "sip:localhost"}}]
gateways: {pstn: {destinations: [{uri: "sip:lost.example"}, {uri: "sip:gw.example"}]}}
`

func TestOnlineNames(t *testing.T) {
	server := nameServer(t, map[string]string{"gw.example": "192.0.2.1"})
	gone := free(t, "udp")
	servers := fmt.Sprintf("%q, %q", server, gone)
	got := online(t, fmt.Sprintf(named, servers), realDrivers, time.Minute)
	want := []string{
		fmt.Sprintf("5 %q error SE2201: the DNS server %s does not answer", gone, gone),
		`9 "sip:nowhere.example" warning SE2202: there is no host nowhere.example in the DNS`,
		`12 "sip:GONE.example:5070" error SE2202: there is no host gone.example in the DNS ` +
			`(it is named in 2 places)`,
		`14 "sip:slow.void" error SE2203: slow.void could not be looked up: ` +
			`name resolution ran out of time`,
		`18 "sip:lost.example" error SE2202: there is no host lost.example in the DNS`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// TestOnlineDeaf: that no server answers is said once for each, not for every name.
func TestOnlineDeaf(t *testing.T) {
	gone := free(t, "udp")
	got := online(t, fmt.Sprintf(named, fmt.Sprintf("%q", gone)), realDrivers, time.Minute)
	want := []string{
		fmt.Sprintf("5 %q error SE2201: the DNS server %s does not answer", gone, gone),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// TestOnlineBound: when the time is over, what has not answered is told.
func TestOnlineBound(t *testing.T) {
	server := nameServer(t, nil)
	patient := strings.Replace(named, "budget: 1s", "budget: 1m", 1)
	policy := fmt.Sprintf(patient, fmt.Sprintf("%q", server))
	began := time.Now()
	got := online(t, policy, realDrivers, 300*time.Millisecond)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	want := `14 "sip:slow.void" error SE2203: slow.void could not be looked up: ` +
		`no answer in the time of --timeout`
	if !slices.Contains(got, want) {
		t.Errorf("want %s, got %q", want, got)
	}
}

// A database that is not there is told, and not made.
func TestOnlineMakesNoFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "absent.db")
	policy := fmt.Sprintf("%s\nbackends: {store: {sqlite: {file: %q}}}\n", testPolicy, file)
	words := router.VocabularyWith([]backends.Driver{sqlite.Driver})
	doc, src, diags := schema.LoadBytes("p.yaml", []byte(policy), words)
	if doc == nil {
		t.Fatal(diags.Text(src))
	}
	p, _ := router.Prove(doc, router.Env{})
	found := Online(t.Context(), &Subject{Doc: doc, Policy: p, Drivers: realDrivers, Env: unset})
	if len(found) != 1 || !strings.Contains(found[0].Message, "absent.db is not there") {
		t.Errorf("found %v", found)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the file was made")
	}
}
