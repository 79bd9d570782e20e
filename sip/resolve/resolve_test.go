package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"sipedge/sip"
)

// clock is a time that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func resolver(t *testing.T, c Config, servers ...*nameServer) (*Resolver, *clock) {
	t.Helper()
	ck := &clock{now: time.Unix(1e9, 0)}
	c.Clock = ck.Now
	if c.Hosts == "" {
		c.Hosts = filepath.Join(t.TempDir(), "none")
	}
	if c.Try == 0 {
		c.Try = 5 * time.Second // no test depends on the machine being quick
	}
	if c.Budget == 0 {
		c.Budget = 20 * time.Second
	}
	for _, s := range servers {
		c.Servers = append(c.Servers, s.addr)
	}
	return New(c), ck
}

// hops writes them as "udp 192.0.2.1:5060".
func hops(hs []Hop) []string {
	var all []string
	for _, h := range hs {
		all = append(all, fmt.Sprintf("%s %s", h.Transport, h.Addr))
	}
	return all
}

func want(t *testing.T, got []Hop, err error, want ...string) {
	t.Helper()
	if err != nil {
		t.Errorf("error %v, want %q", err, want)
	} else if d := cmp.Diff(want, hops(got)); d != "" {
		t.Errorf("want, got:\n%s", d)
	}
}

func TestLiterals(t *testing.T) {
	for _, test := range []struct {
		q    Query
		want string
		err  error
	}{
		{Query{Host: "192.0.2.1"}, "udp 192.0.2.1:5060", nil},
		{Query{Host: "192.0.2.1", Port: 5070}, "udp 192.0.2.1:5070", nil},
		{Query{Host: "2001:db8::1"}, "udp [2001:db8::1]:5060", nil},
		{Query{Host: "::ffff:192.0.2.1"}, "udp 192.0.2.1:5060", nil},
		{Query{Host: "192.0.2.1", Transport: sip.TCP}, "tcp 192.0.2.1:5060", nil},
		{Query{Host: "192.0.2.1", Transport: sip.TLS}, "tls 192.0.2.1:5061", nil},
		{Query{Host: "192.0.2.1", Transport: sip.WS}, "ws 192.0.2.1:80", nil},
		{Query{Host: "192.0.2.1", Secure: true}, "tls 192.0.2.1:5061", nil},
		{Query{Host: "192.0.2.1", Secure: true, Port: 9}, "tls 192.0.2.1:9", nil},
		{Query{Host: "192.0.2.1", Secure: true, Transport: sip.TCP}, "tls 192.0.2.1:5061", nil},
		{Query{Host: "192.0.2.1", Secure: true, Transport: sip.WS}, "wss 192.0.2.1:443", nil},
		{Query{Host: "192.0.2.1", Secure: true, Transport: sip.UDP}, "", ErrTransport},
		{Query{Host: "192.0.2.1", Transport: sip.SCTP}, "", ErrTransport},
		{Query{Host: "192.0.2.256"}, "", ErrNotFound},
		{Query{Host: "1.2.3"}, "", ErrNotFound},
		{Query{Host: ":::"}, "", ErrNotFound},
		{Query{Host: ""}, "", ErrNotFound},
	} {
		r, _ := resolver(t, Config{
			Servers: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")},
		})
		r.SendBy(sip.UDP, sip.TCP, sip.TLS, sip.WS, sip.WSS)
		got, ok, err := r.Cached(nil, test.q)
		if !ok || !errors.Is(err, test.err) {
			t.Errorf("%+v: ok %v, error %v, want %v", test.q, ok, err, test.err)
		} else if err == nil {
			want(t, got, err, test.want)
		}
	}
}

func TestNames(t *testing.T) {
	s := serve(t, map[string][]string{
		"both.example A":    {"both.example. 60 IN A 192.0.2.1", "both.example. 60 IN A 192.0.2.2"},
		"both.example AAAA": {"both.example. 60 IN AAAA 2001:db8::1"},
		"six.example AAAA":  {"six.example. 60 IN AAAA 2001:db8::6"},
		"alias.example A": {
			"alias.example. 60 IN CNAME next.example.", "next.example. 60 IN A 192.0.2.7",
		},
		"alias.example AAAA": {"alias.example. 60 IN CNAME next.example."},
		"next.example A":     {"next.example. 60 IN A 192.0.2.7"},
		"far.example A":      {"far.example. 60 IN CNAME next.example."},
		"loop.example A":     {"loop.example. 60 IN CNAME pool.example."},
		"pool.example A":     {"pool.example. 60 IN CNAME loop.example."},
	})
	for _, test := range []struct {
		name string
		f    Families
		q    Query
		want []string
		err  error
	}{
		{"IPv4 first", IPv4First, Query{Host: "both.example"},
			[]string{"udp 192.0.2.1:5060", "udp 192.0.2.2:5060", "udp [2001:db8::1]:5060"}, nil},
		{"IPv6 first", IPv6First, Query{Host: "both.example"},
			[]string{"udp [2001:db8::1]:5060", "udp 192.0.2.1:5060", "udp 192.0.2.2:5060"}, nil},
		{"IPv6 only", IPv6Only, Query{Host: "both.example", Secure: true},
			[]string{"tls [2001:db8::1]:5061"}, nil},
		{"IPv4 only", IPv4Only, Query{Host: "six.example"}, nil, ErrNotFound},
		{"one family", IPv4First, Query{Host: "six.example", Port: 5070, Transport: sip.TCP},
			[]string{"tcp [2001:db8::6]:5070"}, nil},
		{"alias in one answer", IPv4First, Query{Host: "alias.example"},
			[]string{"udp 192.0.2.7:5060"}, nil},
		{"alias asked for", IPv4First, Query{Host: "far.example"},
			[]string{"udp 192.0.2.7:5060"}, nil},
		{"alias loop", IPv4First, Query{Host: "loop.example"}, nil, ErrNotFound},
		{"none", IPv4First, Query{Host: "none.example"}, nil, ErrNotFound},
		{"no name", IPv4First, Query{Host: "a..example"}, nil, ErrNotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, _ := resolver(t, Config{Families: test.f}, s)
			if _, ok, _ := r.Cached(nil, test.q); ok {
				t.Error("known before it was asked for")
			}
			got, err := r.Lookup(context.Background(), test.q)
			if test.err != nil {
				if !errors.Is(err, test.err) {
					t.Errorf("error %v, want %v", err, test.err)
				}
				return
			}
			want(t, got, err, test.want...)
			got, ok, err := r.Cached(nil, test.q)
			if !ok {
				t.Error("not in the cache afterwards")
			}
			want(t, got, err, test.want...)
		})
	}
}

func TestTimeToLive(t *testing.T) {
	s := serve(t, map[string][]string{
		"a.example A": {"a.example. 60 IN CNAME b.example.", "b.example. 20 IN A 192.0.2.1"},
		"z.example A": {"z.example. 0 IN A 192.0.2.3"},
	})
	r, ck := resolver(t, Config{Families: IPv4Only, NegativeTTL: 25 * time.Second}, s)
	ctx := context.Background()
	cached := func(host string, wantOK bool) {
		t.Helper()
		if _, ok, _ := r.Cached(nil, Query{Host: host}); ok != wantOK {
			t.Errorf("%s cached: %v, want %v", host, ok, wantOK)
		}
	}
	for _, h := range []string{"a.example", "z.example", "none.example"} {
		_, _ = r.Lookup(ctx, Query{Host: h})
	}
	cached("z.example", false)
	ck.move(19 * time.Second)
	cached("a.example", true)
	ck.move(time.Second)
	cached("a.example", false)
	ck.move(4 * time.Second)
	cached("none.example", true) // the SOA says 30 s, the configuration 25
	ck.move(time.Second)
	cached("none.example", false)

	s.set("a.example A", "a.example. 60 IN A 192.0.2.9")
	got, err := r.Lookup(ctx, Query{Host: "a.example"})
	want(t, got, err, "udp 192.0.2.9:5060")
}

func TestHosts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hosts")
	text := "# comment\n192.0.2.5 Gateway.example gw # both\n::1 gw\n192.0.2.5 gw\nnonsense gw\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	nowhere := []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}
	r, _ := resolver(t, Config{Hosts: file, Servers: nowhere})
	for host, hops := range map[string][]string{
		"gateway.example": {"udp 192.0.2.5:5060"},
		"gw":              {"udp 192.0.2.5:5060", "udp [::1]:5060"},
		"localhost":       {"udp 127.0.0.1:5060", "udp [::1]:5060"},
	} {
		got, ok, err := r.Cached(nil, Query{Host: host})
		if !ok {
			t.Errorf("%s: not known", host)
		}
		want(t, got, err, hops...)
	}
	r, _ = resolver(t, Config{Hosts: file, Servers: nowhere, Families: IPv6Only})
	if _, ok, err := r.Cached(nil, Query{Host: "gateway.example"}); !ok || err != ErrNotFound {
		t.Errorf("no address of the family: %v %v, want ErrNotFound", ok, err)
	}
}

func TestCachedDoesNotAllocate(t *testing.T) {
	s := serve(t, map[string][]string{"a.example A": {"a.example. 60 IN A 192.0.2.1"}})
	r, _ := resolver(t, Config{Families: IPv4Only}, s)
	if _, err := r.Lookup(context.Background(), Query{Host: "a.example"}); err != nil {
		t.Fatal(err)
	}
	dst := make([]Hop, 0, 4)
	for _, h := range []string{"192.0.2.1", "2001:db8::1", "localhost", "a.example", "b.example"} {
		q := Query{Host: h}
		if n := testing.AllocsPerRun(100, func() { _, _, _ = r.Cached(dst, q) }); n != 0 {
			t.Errorf("%s: %v allocations", h, n)
		}
	}
}

func TestTruncatedGoesToTCP(t *testing.T) {
	s := serve(t, map[string][]string{"a.example A": {"a.example. 60 IN A 192.0.2.1"}})
	s.on(func(w dns.ResponseWriter, m *dns.Msg) bool {
		if !overUDP(w) {
			return false
		}
		reply := new(dns.Msg).SetReply(m)
		reply.Truncated = true
		_ = w.WriteMsg(reply)
		return true
	})
	r, _ := resolver(t, Config{Families: IPv4Only}, s)
	got, err := r.Lookup(context.Background(), Query{Host: "a.example", Port: 5060})
	want(t, got, err, "udp 192.0.2.1:5060")
	if n := r.Stats().Truncated.Load(); n != 1 {
		t.Errorf("%d truncated answers counted, want 1", n)
	}
}

func TestServerWithoutEDNS(t *testing.T) {
	s := serve(t, map[string][]string{"a.example A": {"a.example. 60 IN A 192.0.2.1"}})
	s.on(func(w dns.ResponseWriter, m *dns.Msg) bool {
		if m.IsEdns0() == nil {
			return false
		}
		_ = w.WriteMsg(new(dns.Msg).SetRcodeFormatError(m))
		return true
	})
	r, _ := resolver(t, Config{Families: IPv4Only}, s)
	got, err := r.Lookup(context.Background(), Query{Host: "a.example"})
	want(t, got, err, "udp 192.0.2.1:5060")
}

func TestFullCacheKeepsItsSize(t *testing.T) {
	s := serve(t, map[string][]string{})
	r, _ := resolver(t, Config{Families: IPv4Only, CacheSize: 10}, s)
	for i := range 50 {
		q := Query{Host: fmt.Sprintf("n%d.example", i)}
		if _, err := r.Lookup(context.Background(), q); !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		if _, ok, _ := r.Cached(nil, q); !ok {
			t.Fatal("the newest entry is not there")
		}
	}
	if n := r.CacheSize(); n != 10 {
		t.Errorf("%d entries, want 10", n)
	}
	if n := r.Stats().Evicted.Load(); n != 40 {
		t.Errorf("%d evicted, want 40", n)
	}
}

// What strangers put into a URI or into their zone takes little room in the cache.
func TestWhatOneEntryCosts(t *testing.T) {
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprintf("many.example. 60 IN A 192.0.%d.%d", i>>8, i&0xff))
	}
	s := serve(t, map[string][]string{"many.example A": many})
	s.on(func(w dns.ResponseWriter, m *dns.Msg) bool {
		if !overUDP(w) {
			return false
		}
		reply := new(dns.Msg).SetReply(m)
		reply.Truncated = true
		_ = w.WriteMsg(reply)
		return true
	})
	r, _ := resolver(t, Config{Families: IPv4Only}, s)
	got, err := r.Lookup(context.Background(), Query{Host: "many.example"})
	if err != nil || len(got) != maxRecords || cap(got) > 2*maxRecords {
		t.Errorf("%d hops of %d, error %v, want %d", len(got), cap(got), err, maxRecords)
	}
	label := strings.Repeat("a", 62) + "."
	for host, wantOK := range map[string]bool{
		strings.Repeat(label, 4) + "a":      false, // 253 bytes
		strings.Repeat(label, 4) + "aa":     true,
		strings.Repeat(label, 4) + "aa.":    true,
		strings.Repeat(label, 1000) + "com": true,
	} {
		_, ok, err := r.Cached(nil, Query{Host: host})
		if ok != wantOK || ok && !errors.Is(err, ErrNotFound) {
			t.Errorf("a name of %d bytes: known %v, error %v", len(host), ok, err)
		}
		if _, err := r.Lookup(context.Background(), Query{Host: host}); !errors.Is(err, ErrNotFound) {
			t.Errorf("a name of %d bytes: error %v, want ErrNotFound", len(host), err)
		}
	}
	if n := r.CacheSize(); n != 2 {
		t.Errorf("%d entries, want 2: names that are too long are none", n)
	}
}

// deaf is the address of a UDP socket that never answers.
func deaf(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestQueryOf(t *testing.T) {
	for _, c := range []struct{ uri, want string }{
		{"sip:bob@Gw.Example.net", "{gw.example.net 0  false 0} invalid IP <nil>"},
		{"sip:localhost.", "{localhost 0  false 0} invalid IP <nil>"},
		{"sips:gw.example.net:5071", "{gw.example.net 5071  true 0} invalid IP <nil>"},
		{"sip:gw.example.net;transport=TCP", "{gw.example.net 0 tcp false 0} invalid IP <nil>"},
		{"sip:10.0.0.1:5070;transport=tcp", "{ 5070 tcp false 0} 10.0.0.1 <nil>"},
		{"sip:[2001:db8::1]", "{ 0  false 0} 2001:db8::1 <nil>"},
		{"sip:gw.example.net;maddr=10.0.0.1", "{ 0  false 0} 10.0.0.1 <nil>"},
		{"sip:10.0.0.1;maddr=gw.example.net", "{gw.example.net 0  false 0} invalid IP <nil>"},
		{"sip:gw.example.net;transport=x", "{ 0  false 0} invalid IP transport not supported"},
	} {
		u, err := sip.ParseURI([]byte(c.uri))
		if err != nil {
			t.Fatal(err)
		}
		q, addr, err := QueryOf(&u)
		if got := fmt.Sprint(q, " ", addr, " ", err); got != c.want {
			t.Errorf("%s: want %s, got %s", c.uri, c.want, got)
		}
	}
}
