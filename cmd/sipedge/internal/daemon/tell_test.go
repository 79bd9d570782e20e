package daemon

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/control"
	"sipedge/schema"
)

// deafDriver makes databases that answer nothing before they are told to.
var deafDriver = backends.Driver{
	Name: "deaf", Schema: "{}", Doc: "For tests.",
	Open: func(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
		limits := backends.DefaultLimits
		limits.Timeout, limits.Calls = 50*time.Millisecond, 2
		d := &deaf{heard: make(chan bool)}
		return &deafBackend{backends.Guard(o.Name, d, limits), d}, nil
	},
}

type deafBackend struct {
	*backends.Guarded
	db *deaf
}

type deaf struct {
	backends.DB
	heard chan bool
}

func (d *deaf) Can() backends.Capability { return 0 }
func (d *deaf) Close() error             { return nil }

func (d *deaf) Ping(context.Context) error { <-d.heard; return nil }

// A call that is stuck is seen with its age, in the numbers that are exported.
func TestControlStuckCall(t *testing.T) {
	c := startControlled(t, "backends: {people: {deaf: {}}}\n")
	b := c.data.Load().Get("people").(*deafBackend)
	var calls sync.WaitGroup
	for range 3 { // two places: one waits in vain
		calls.Go(func() { _ = b.Ping(context.Background()) })
	}
	calls.Wait()
	const age = 200 * time.Millisecond // of both at least
	time.Sleep(age)
	var work control.Work
	if err := c.do(t, "ps", nil, &work); err != nil {
		t.Fatal(err)
	}
	g := work.Backends[0].Gate
	if g.Running != 2 || g.Oldest < age.Seconds() || g.Oldest > 60 || g.Calls != 3 || g.Timeouts != 3 {
		t.Errorf("got %+v", g)
	}
	for name, want := range map[string]float64{
		"running": float64(g.Running), "calls_total": float64(g.Calls),
		"timeouts_total": float64(g.Timeouts), "waiting": float64(g.Waiting),
	} {
		name = "sipedge_backend_" + name
		if got := c.statistic(t, name); got != want {
			t.Errorf("%s is %v, ps says %v", name, got, want)
		}
		if _, text := c.get(t, "/metrics"); !strings.Contains(text,
			fmt.Sprintf("%s{backend=\"people\"} %v\n", name, want)) {
			t.Errorf("/metrics has another %s than %v", name, want)
		}
	}
	for range 2 {
		b.db.heard <- true
	}
	for end := time.Now().Add(10 * time.Second); g.Running > 0 && time.Now().Before(end); {
		var all control.Backends
		if err := c.do(t, "backends", nil, &all); err != nil {
			t.Fatal(err)
		}
		g = all.Backends[0].Gate
	}
	if g.Running != 0 || g.Oldest != 0 {
		t.Errorf("after all, got %+v", g)
	}
}

func (c *controlled) statistic(t *testing.T, name string) float64 {
	t.Helper()
	var v control.Statistics
	if err := c.do(t, "statistics", nil, &v, "name", name); err != nil {
		t.Fatal(err)
	}
	for _, s := range v.Statistics {
		if s.Name == name {
			return s.Value
		}
	}
	t.Fatalf("no statistic %s", name)
	return 0
}

func TestControlWork(t *testing.T) {
	c := startControlled(t, "")
	c.options(t, "1")
	c.sent(t, 1)
	var work control.Work
	if err := c.do(t, "ps", nil, &work); err != nil {
		t.Fatal(err)
	}
	udp := work.Listeners[0]
	if udp.Transport != "udp" || udp.Address != c.log.entry("listening", "addr") ||
		udp.Received != 1 || udp.Sent != 1 || len(work.Listeners) != 2 {
		t.Errorf("listeners %+v", work.Listeners)
	}
	total, readers := 0, 0
	for _, g := range work.Goroutines {
		total += g.Count
		if strings.HasPrefix(g.Function, "sip/transport/udp.") {
			readers += g.Count
		}
	}
	if total < 10 || readers == 0 {
		t.Errorf("%d goroutines, %d read datagrams: %+v", total, readers, work.Goroutines)
	}
	if n := c.statistic(t, "go_goroutines"); math.Abs(n-float64(total)) > 20 {
		t.Errorf("%v goroutines in the metrics, %d in ps", n, total)
	}
}

func TestControlUptime(t *testing.T) {
	c := startControlled(t, "")
	var before, after control.Uptime
	if err := c.do(t, "uptime", nil, &before); err != nil {
		t.Fatal(err)
	}
	if err := c.do(t, "reload", nil, new(control.Reload)); err != nil {
		t.Fatal(err)
	}
	if err := c.do(t, "uptime", nil, &after); err != nil {
		t.Fatal(err)
	}
	if !after.Since.Equal(before.Since) || !after.Loaded.After(before.Loaded) ||
		after.Generation != 2 || after.State != "ready" ||
		math.Abs(after.Now.Sub(after.Since).Seconds()-after.Seconds) > 0.001 {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// A table is as old as its rows.
func TestControlTables(t *testing.T) {
	file := t.TempDir() + "/them.csv"
	if err := os.WriteFile(file, []byte("a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, policy := controlledBy(t, "")
	c.running = startPolicy(t, strings.Replace(policy, "{values: [a, b]}", "{file: "+file+"}", 1))
	one := func() control.Table {
		t.Helper()
		var v control.Tables
		if err := c.do(t, "tables", nil, &v); err != nil || len(v.Tables) != 1 {
			t.Fatalf("%+v, %v", v, err)
		}
		return v.Tables[0]
	}
	if got := one(); got.Name != "them" || got.Kind != "set" || got.Source != file ||
		got.Rows != 1 || got.Version != 1 || got.Age <= 0 {
		t.Errorf("got %+v", got)
	}
	if err := os.WriteFile(file+".new", []byte("a\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil { // never read while it is written
		t.Fatal(err)
	}
	before := one()
	for end := time.Now().Add(20 * time.Second); one().Version == 1 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
		before = one()
	}
	if got := one(); got.Version != 2 || got.Rows != 2 || got.Age > before.Age+20 {
		t.Errorf("got %+v after %+v", got, before)
	}
	if err := c.do(t, "reload", nil, new(control.Reload)); err == nil {
		if got := one(); got.Version != 2 {
			t.Errorf("a policy that was loaded again has %+v", got)
		}
	}
}

func TestControlLogLevel(t *testing.T) {
	c := startControlled(t, "")
	for _, want := range []string{"debug", "error", "info"} {
		var set, got control.LogLevel
		if err := c.do(t, "set_log_level", control.LogLevel{Level: want}, &set); err != nil {
			t.Fatal(err)
		}
		if err := c.do(t, "log_level", nil, &got); err != nil || got.Level != want || set != got {
			t.Errorf("%v, want %s, got %v, %v", err, want, set, got)
		}
	}
	c.do(t, "set_log_level", control.LogLevel{Level: "debug"}, new(control.LogLevel))
	c.do(t, "reload", nil, new(control.Reload))
	if got := strings.ToLower(c.level.Level().String()); got != "info" {
		t.Errorf("level %s after a reload, the policy says info", got)
	}
}
