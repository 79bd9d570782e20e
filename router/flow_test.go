package router

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/schema"
	"sipedge/sip/resolve"
	"sipedge/sip/siptest"
	"sipedge/sip/transport/mem"
)

// TestFlow plays the conversations of testdata/flow through a router on a network in virtual time.
func TestFlow(t *testing.T) {
	files, err := filepath.Glob("testdata/flow/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no flows", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			siptest.RunFile(t, file, startFlow)
		})
	}
}

func startFlow(t *testing.T, net *mem.Network, files map[string]string) func() error {
	r, node := newRouter(t, net, files["policy.yaml"])
	node.Start(r)
	if at, err := time.ParseDuration(strings.TrimSpace(files["drain"])); err == nil {
		net.After(at, r.Drain) // a timer would go on for ever
	}
	return func() error {
		if n := r.Stats().Panics; n > 0 {
			return fmt.Errorf("%d panics", n)
		}
		if !r.Idle() {
			return fmt.Errorf("left in memory: %+v %+v", r.Transactions(), r.Proxy())
		}
		return nil
	}
}

// newRouter makes a router with a policy on a node of its own; the caller starts the node.
func newRouter(t testing.TB, net *mem.Network, policy string) (*Router, *mem.Node) {
	t.Helper()
	doc := load(t, policy)
	node, err := net.Node(Listeners(doc)...)
	if err != nil {
		t.Fatal(err)
	}
	media := new(backends.StubMedia)
	r := New(Config{
		Sender: node, Clock: net.Now, Wake: node.Wake, Resolver: names{net}, Pool: later{net},
		Locations: stored(), Media: func(string) backends.Media { return media },
		Numbers: strangers, Secret: [32]byte{1}, Log: slog.New(slog.NewTextHandler(testLog{t}, nil)),
	})
	node.Advance = r.Advance
	p, diags := r.Compile(doc)
	if p == nil {
		t.Fatal(diags)
	}
	if err := r.Startup(p); err != nil {
		t.Fatal(err)
	}
	r.Swap(p)
	return r, node
}

func load(t testing.TB, policy string) *schema.Document {
	t.Helper()
	doc, _, diags := schema.LoadBytes("policy.yaml", []byte(policy), Vocabulary())
	for _, d := range diags {
		t.Logf("%s:%d:%d: SE%d: %s", d.Pos.File, d.Pos.Line, d.Pos.Col, d.Code, d.Message)
	}
	if doc == nil {
		t.Fatal("the policy was refused")
	}
	return doc
}

func swap(t testing.TB, r *Router, policy string) {
	t.Helper()
	p, diags := r.Compile(load(t, policy))
	if p == nil {
		t.Fatal(diags)
	}
	r.Swap(p)
}

type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}

// later is a pool in virtual time: what it is given takes half a second.
type later struct{ net *mem.Network }

func (p later) Go(f func(context.Context)) bool {
	p.net.After(500*time.Millisecond, func() { f(context.Background()) })
	return true
}

// names resolves bob.test to 10.0.0.2 and so on, after a look-up; both.test to two addresses.
type names struct{ net *mem.Network }

var hosts = map[string][]string{
	"alice.test": {"10.0.0.1"}, "bob.test": {"10.0.0.2"}, "carol.test": {"10.0.0.3"},
	"both.test": {"10.0.0.3", "10.0.0.4"}, "within.test": {"127.0.0.1"},
	"metadata.test": {"169.254.169.254"}, "denied.test": {"10.0.7.2"},
}

// strangers are numbers whose holders lead where nobody is to be led, and +496, who does not.
var strangers = numbers{
	"+491": {{URI: "sip:x@127.0.0.1"}}, "+492": {{URI: "sip:x@169.254.169.254"}},
	"+493": {{URI: "sip:x@10.0.7.2"}}, "+494": {{URI: "sip:x@denied.test"}},
	"+495": {{URI: "sip:x@10.0.0.3"}}, "+496": {{URI: "sip:x@10.0.0.4"}},
	"+497": {{URI: "sip:x@127.0.0.1:5071"}}, "+498": {{URI: "sip:x@127.0.0.1:5084"}},
}

func (names) Cached(dst []resolve.Hop, q resolve.Query) ([]resolve.Hop, bool, error) {
	return dst, false, nil
}

func (n names) Lookup(_ context.Context, q resolve.Query) ([]resolve.Hop, error) {
	addrs, ok := hosts[q.Host]
	if !ok {
		return nil, resolve.ErrNotFound
	}
	var hops []resolve.Hop
	for _, a := range addrs {
		hops = append(hops, hop(a, q))
	}
	return hops, nil
}
