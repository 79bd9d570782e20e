package daemon

import (
	"context"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/schema"
)

func TestFixedSettings(t *testing.T) {
	base := func() *schema.Document {
		return &schema.Document{
			Listen: []schema.Listen{{Transport: "udp", Addr: "127.0.0.1:5060"}},
			DNS:    schema.DNS{Servers: []schema.Text{{S: "192.0.2.53"}}},
			Limits: schema.Limits{Connections: 10, Branches: 12},
		}
	}
	for _, c := range []struct {
		name   string
		change func(*schema.Document)
		want   []string
	}{
		{"nothing", func(*schema.Document) {}, nil},
		{"another line", func(d *schema.Document) { d.Listen[0].Pos.Line = 9 }, nil},
		{"moved", func(d *schema.Document) {
			d.DNS.Servers[0].Pos.Line, d.Admin.Pos.Line = 9, 9
		}, nil},
		{"domains", func(d *schema.Document) { d.Domains = []schema.Text{{S: "example.net"}} }, nil},
		{"udp_request", func(d *schema.Document) { d.Limits.UDPRequest = 9000 }, nil},
		{"branches", func(d *schema.Document) { d.Limits.Branches = 3 }, nil},
		{"requests", func(d *schema.Document) { d.Limits.Requests = 3 }, nil},
		{"fr_timer", func(d *schema.Document) { d.Timers.FinalWait = time.Second }, nil},
		{"failover", func(d *schema.Document) { d.DNS.Failover = true }, nil},
		{"log level", func(d *schema.Document) { d.Log.Level = "debug" }, nil},
		{"address", func(d *schema.Document) { d.Listen[0].Addr = "127.0.0.1:5062" }, nil},
		{"connections", func(d *schema.Document) { d.Limits.Connections = 11 },
			[]string{"limits of transports and transactions"}},
		{"two", func(d *schema.Document) { d.Workers, d.DNS.Servers = 4, nil },
			[]string{"workers", "dns"}},
		{"socket", func(d *schema.Document) { d.Admin.Socket.S = "x.sock" }, []string{"admin"}},
		{"key", func(d *schema.Document) { d.Secrets.RouteKey = "x" }, []string{"secrets"}},
	} {
		changed := base()
		c.change(changed)
		if got := fixed(base(), changed); !slices.Equal(got, c.want) {
			t.Errorf("%s: fixed %v, want %v", c.name, got, c.want)
		}
	}
}

// stuckDriver makes stores that have not read what they had before somebody gives up.
var stuckDriver = backends.Driver{
	Name: "stuck", Schema: "{}", Doc: "For tests.",
	Open: func(*backends.Opening) (backends.Backend, schema.Diagnostics) {
		return stuck{}, nil
	},
}

type stuck struct{}

// stuckLoads are reloads that wait.
var stuckLoads = make(chan bool)

func (stuck) Load(ctx context.Context, _ time.Time) error {
	stuckLoads <- true
	<-ctx.Done()
	return ctx.Err()
}

func (stuck) Loaded() bool               { return false }
func (stuck) Ping(context.Context) error { return nil }
func (stuck) Close() error               { return nil }

// A signal or an order to end does not wait for a reload that does.
func TestReloadGivesUp(t *testing.T) {
	for name, end := range map[string]func(signals chan<- os.Signal, d *Daemon){
		"signal": func(signals chan<- os.Signal, _ *Daemon) { signals <- syscall.SIGTERM },
		"drain":  func(_ chan<- os.Signal, d *Daemon) { _, _ = d.orderDrain(context.Background()) },
		"stop":   func(_ chan<- os.Signal, d *Daemon) { _, _ = d.orderStop(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) { reloadGivesUp(t, end) })
	}
}

func reloadGivesUp(t *testing.T, end func(signals chan<- os.Signal, d *Daemon)) {
	r := &running{policy: testPolicy}
	d, err := Start(r.config())
	if err != nil {
		t.Fatal(err)
	}
	r.set(testPolicy + "backends: {contacts: {stuck: {}}}\n")
	order := order{toReload, make(chan result, 1)}
	signals, ended := make(chan os.Signal), make(chan struct{})
	go func() { d.Run(signals); close(ended) }()
	d.orders.reload <- order
	<-stuckLoads
	given := make(chan struct{})
	go func() { end(signals, d); close(given) }()
	select {
	case <-given:
	case <-time.After(10 * time.Second):
		t.Fatal("who ends it waits")
	}
	if err := (<-order.done).err; err == nil ||
		!strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("the reload: %v", err)
	}
	<-ended
	if n := d.generation.Load(); n != 1 {
		t.Errorf("policy %d runs, want 1", n)
	}
}
