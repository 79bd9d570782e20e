package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"sipedge/backends"
	"sipedge/backends/memory"
	"sipedge/backends/rtpengine"
	"sipedge/backends/sqlite"
	"sipedge/backends/text"
	"sipedge/router"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/tcp"
	"sipedge/sip/transport/tls"
	"sipedge/sip/transport/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testPolicy = `version: 1
log: {format: json}
admin: {listen: "127.0.0.1:0"}
listen: [{udp: "127.0.0.1:0"}, {tcp: "127.0.0.1:0"}]
routes:
  request: [{do: [{reply: {code: 200}}]}]
`

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// entry returns the attribute of the first entry with that message.
func (l *logBuffer) entry(msg, attr string) string {
	for line := range strings.Lines(l.String()) {
		var e map[string]any
		if json.Unmarshal([]byte(line), &e) == nil && e["msg"] == msg {
			return fmt.Sprint(e[attr])
		}
	}
	return ""
}

// running is a daemon with its policy, which a test may change.
type running struct {
	*Daemon
	log     logBuffer
	signals chan os.Signal
	ended   chan struct{}

	mu     sync.Mutex
	policy string
}

func (r *running) set(policy string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.policy = policy
}

func (r *running) load() (*schema.Document, schema.Source, schema.Diagnostics, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.policy == "" {
		return nil, nil, nil, errors.New("the policy is gone")
	}
	words := router.VocabularyWith([]backends.Driver{deafDriver, stuckDriver, memory.Driver,
		sqlite.Driver, text.Driver, rtpengine.Driver})
	doc, src, diags := schema.LoadBytes("policy.yaml", []byte(r.policy), words)
	return doc, src, diags, nil
}

func (r *running) config() Config {
	return Config{
		Load: r.load, Stderr: &r.log, Env: unset, Drain: time.Second,
		Drivers: transport.Drivers{sip.UDP: udp.Listen, sip.TCP: tcp.Listen, sip.TLS: tls.Listen},
	}
}

func start(t *testing.T) *running {
	t.Helper()
	return startPolicy(t, testPolicy)
}

func startPolicy(t *testing.T, policy string) *running {
	t.Helper()
	r := &running{signals: make(chan os.Signal), ended: make(chan struct{}), policy: policy}
	d, err := Start(r.config())
	if err != nil {
		t.Fatal(inFull(err))
	}
	r.Daemon = d
	go func() { d.Run(r.signals); close(r.ended) }()
	t.Cleanup(func() {
		r.signals <- syscall.SIGTERM
		<-r.ended
		http.DefaultClient.CloseIdleConnections()
	})
	return r
}

func (r *running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + r.log.entry("admin", "addr") + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestAdmin(t *testing.T) {
	r := start(t)
	r.options(t, "1")
	r.sent(t, 1)
	for _, c := range []struct {
		path   string
		status int
		body   string
	}{
		{"/livez", 200, "alive\n"},
		{"/readyz", 200, "ready\n"},
		{"/metrics", 200, "\nsipedge_policy_generation 1\n"},
		{"/metrics", 200, "\nsipedge_requests_total{method=\"OPTIONS\"} 1\n"},
		{"/metrics", 200, "\nsipedge_proxy_stateless_replies_total 1\n"},
		{"/metrics", 200, "\nsipedge_transport_messages_sent_total{transport=\"udp\"} 1\n"},
		{"/metrics", 200, "\nprocess_open_fds "},
		{"/debug/runtime", 200, `"goroutines":`},
		{"/debug/pprof/mutex?debug=1", 200, "--- mutex:"},
		{"/nothing", 404, ""},
	} {
		if status, body := r.get(t, c.path); status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s: %d, want %d with %q in\n%s", c.path, status, c.status, c.body, body)
		}
	}
}

func TestMetricNames(t *testing.T) {
	problems, err := testutil.GatherAndLint(start(t).metrics())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "sipedge_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestReload(t *testing.T) {
	r := start(t)
	for i, c := range []struct {
		name, policy, want string
		refused            bool
	}{
		{"another reply", strings.Replace(testPolicy, "200", "404", 1), "policy reloaded", false},
		{"a mistake", strings.Replace(testPolicy, "reply", "replie", 1), "SE1012", true},
		{"an address of another host", strings.Replace(testPolicy, "127.0.0.1:0\"}]",
			"192.0.2.1:5060\"}]", 1), "192.0.2.1 is not an address of this host", true},
		{"a key", testPolicy + "secrets: {route_key: \"" + strings.Repeat("k", 32) + "\"}\n",
			"secrets cannot change", true},
		{"another listener", strings.Replace(testPolicy, "tcp:", "udp:", 1), "listener removed", false},
		{"unreadable", "", "the policy is gone", true},
		{"the first again", testPolicy, "policy reloaded", false},
	} {
		generation, failures, logged := r.generation.Load(), r.failures.Load(), len(r.log.String())
		r.set(c.policy)
		r.signals <- syscall.SIGHUP
		for r.generation.Load() == generation && r.failures.Load() == failures {
			time.Sleep(time.Millisecond) // go test's own bound ends what never comes
		}
		if refused := r.failures.Load() > failures; refused != c.refused {
			t.Errorf("%d %s: refused %v, want %v", i, c.name, refused, c.refused)
		}
		if log := r.log.String()[logged:]; !strings.Contains(log, c.want) {
			t.Errorf("%d %s: the log does not say %q:\n%s", i, c.name, c.want, log)
		}
	}
}

func TestStartErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct{ name, policy, want string }{
		{"a mistake", strings.Replace(testPolicy, "200", "99", 1), "a mistake"},
		{"a port that is taken", strings.Replace(testPolicy,
			`tcp: "127.0.0.1:0"`, fmt.Sprintf("tcp: %q", taken.Addr()), 1), "is in use"},
		{"a mistake, and a port that is taken", strings.Replace(strings.Replace(testPolicy,
			`tcp: "127.0.0.1:0"`, fmt.Sprintf("tcp: %q", taken.Addr()), 1),
			"reply: {code: 200}", "relay: {}", 1), "SE3011"},
		{"an admin port that is taken", strings.Replace(testPolicy,
			`listen: "127.0.0.1:0"`, fmt.Sprintf("listen: %q", taken.Addr()), 1), "admin "},
		{"a key that is not there", testPolicy + "secrets: {route_key: \"${env.KEY}\"}\n",
			"secret ${env.KEY}"},
	} {
		r := &running{policy: c.policy}
		_, err := Start(r.config())
		if err == nil {
			t.Fatalf("%s: started", c.name)
		}
		told := inFull(err)
		if !strings.Contains(told, c.want) {
			t.Errorf("%s: error %s, want %q", c.name, told, c.want)
		}
	}
}

// inFull is an error with the problems that it is of.
func inFull(err error) string {
	told := err.Error()
	if p, ok := errors.AsType[*Problems](err); ok {
		told += "\n" + p.Text(p.Source)
	}
	return told
}

// unset is an environment without variables.
func unset(string) (string, bool) { return "", false }
