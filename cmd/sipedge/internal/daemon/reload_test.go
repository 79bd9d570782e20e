package daemon

import (
	"slices"
	"testing"
	"time"

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
