package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/resolve/resolvetest"
)

// wholeZone is the zone of testdata with answers that no datagram takes.
func wholeZone(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/example.zone")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		b = fmt.Appendf(b, "_sip._tcp.large IN SRV %d 1 5071 a-rather-long-name-for-a-server-%[1]d\n"+
			"a-rather-long-name-for-a-server-%[1]d IN A 192.0.2.%[1]d\n"+
			"4.3.2.1.e164 IN NAPTR 1 %[1]d \"u\" \"E2U+sip\" "+
			"\"!^.*$!sip:long-name-%[1]d@a.example!\" .\n", i)
	}
	return string(b)
}

// TestZone asks a real server for all that RFC 3263 knows.
func TestZone(t *testing.T) {
	at := resolvetest.Named(t, wholeZone(t))
	most := []sip.Transport{sip.UDP, sip.TCP, sip.TLS}
	all := append(slices.Clone(most), sip.SCTP, sip.WS, sip.WSS)
	q := func(host string) Query { return Query{Host: host} }
	sips := func(host string) Query { return Query{Host: host, Secure: true} }
	by := func(t sip.Transport, host string) Query { return Query{Host: host, Transport: t} }
	for _, test := range []struct {
		name string
		q    Query
		by   []sip.Transport
		f    Families
		want []string
		err  error
	}{
		{"a number", q("192.0.2.9"), most, IPv4First, []string{"udp 192.0.2.9:5060"}, nil},
		{"a number, sips", sips("192.0.2.9"), most, IPv4First, []string{"tls 192.0.2.9:5061"}, nil},
		{"a port: the host alone", Query{Host: "full.example", Port: 5080}, most, IPv4First,
			nil, ErrNotFound},
		{"a port", Query{Host: "srv.example", Port: 5080}, most, IPv4First,
			[]string{"udp 192.0.2.5:5080"}, nil},
		{"a port, sips", Query{Host: "srv.example", Port: 5080, Secure: true}, most, IPv4First,
			[]string{"tls 192.0.2.5:5080"}, nil},
		{"a transport: no rules", by(sip.TCP, "full.example"), most, IPv4First,
			[]string{"tcp 192.0.2.2:5071", "tcp 192.0.2.3:5072"}, nil},
		{"a transport without service", by(sip.UDP, "srv.example"), most, IPv4First,
			[]string{"udp 192.0.2.5:5060"}, nil},
		{"a transport we lack", by(sip.SCTP, "sctp.example"), most, IPv4First, nil, ErrTransport},
		{"rules, in their order", q("full.example"), most, IPv4First, []string{
			"udp 192.0.2.1:5070", "tcp 192.0.2.2:5071", "tcp 192.0.2.3:5072", "tls 192.0.2.1:5073",
		}, nil},
		{"rules, without UDP", q("full.example"), most[1:], IPv4First, []string{
			"tcp 192.0.2.2:5071", "tcp 192.0.2.3:5072", "tls 192.0.2.1:5073",
		}, nil},
		{"rules, sips", sips("full.example"), most, IPv4First, []string{"tls 192.0.2.1:5073"}, nil},
		{"sips and TCP is TLS", Query{Host: "full.example", Transport: sip.TCP, Secure: true}, most,
			IPv4First, []string{"tls 192.0.2.1:5073"}, nil},
		{"order before preference", q("order.example"), most, IPv4First,
			[]string{"tcp 192.0.2.2:5071", "tcp 192.0.2.3:5072"}, nil},
		{"order, with SCTP", q("order.example"), all, IPv4First,
			[]string{"sctp 192.0.2.1:5074"}, nil},
		{"SCTP alone, which we lack", q("sctp.example"), most, IPv4First, nil, ErrTransport},
		{"SCTP alone", q("sctp.example"), all, IPv4First, []string{"sctp 192.0.2.1:5074"}, nil},
		{"TLS over SCTP, which nobody speaks", q("sctps.example"), all, IPv4First, nil, ErrTransport},
		{"WebSocket", q("web.example"), all, IPv4First,
			[]string{"ws 192.0.2.1:8080", "wss 192.0.2.2:8443"}, nil},
		{"WebSocket, sips", sips("web.example"), all, IPv4First,
			[]string{"wss 192.0.2.2:8443"}, nil},
		{"rules for others, sips", sips("host.example"), most, IPv4First, nil, ErrTransport},
		{"a rule that names a host", q("host.example"), most, IPv4First,
			[]string{"tcp 192.0.2.2:5060"}, nil},
		{"rules of other protocols", q("mail.example"), most, IPv4First,
			[]string{"udp 192.0.2.4:5060"}, nil},
		{"a rule with a regexp", q("regexp.example"), most, IPv4First,
			[]string{"tcp 192.0.2.2:5071", "tcp 192.0.2.3:5072"}, nil},
		{"no rules", q("srv.example"), most, IPv4First,
			[]string{"tcp 192.0.2.2:5071", "tls 192.0.2.3:5073"}, nil},
		{"no rules, sips", sips("srv.example"), most, IPv4First,
			[]string{"tls 192.0.2.3:5073"}, nil},
		{"no rules, two services", q("both.example"), most, IPv4First,
			[]string{"udp 192.0.2.1:5070", "tcp 192.0.2.2:5071"}, nil},
		{"no services", q("a.example"), most, IPv4First, []string{"udp 192.0.2.1:5060"}, nil},
		{"no services, sips", sips("a.example"), most, IPv4First,
			[]string{"tls 192.0.2.1:5061"}, nil},
		{"no services, without UDP", q("a.example"), most[1:], IPv4First, nil, ErrTransport},
		{"decidedly no service", q("closed.example"), most, IPv4First, nil, ErrNotFound},
		{"decidedly none of it", by(sip.UDP, "closed.example"), most, IPv4First, nil, ErrNotFound},
		{"one server does not exist", q("half.example"), most, IPv4First,
			[]string{"udp 192.0.2.1:5070"}, nil},
		{"no server exists", q("lost.example"), most, IPv4First, nil, ErrNotFound},
		{"both families", q("two.example"), most, IPv4First,
			[]string{"udp 192.0.2.10:5060", "udp [2001:db8::10]:5060"}, nil},
		{"both, IPv6 preferred", q("two.example"), most, IPv6First,
			[]string{"udp [2001:db8::10]:5060", "udp 192.0.2.10:5060"}, nil},
		{"IPv6 alone", q("two.example"), most, IPv6Only, []string{"udp [2001:db8::10]:5060"}, nil},
		{"only IPv6 there", q("six.example"), most, IPv4First,
			[]string{"udp [2001:db8::6]:5060"}, nil},
		{"of the other family", q("six.example"), most, IPv4Only, nil, ErrNotFound},
		{"CNAME", q("alias.example"), most, IPv4First, []string{"udp 192.0.2.1:5060"}, nil},
		{"CNAME of CNAME", q("far.example"), most, IPv4First, []string{"udp 192.0.2.2:5060"}, nil},
		{"CNAME in a circle", q("loop.example"), most, IPv4First, nil, ErrServers},
		{"CNAME to rules", q("moved.example"), most[:1], IPv4First,
			[]string{"udp 192.0.2.1:5070"}, nil},
		{"CNAME of a service", q("via.example"), most, IPv4First,
			[]string{"udp 192.0.2.1:5070"}, nil},
		{"DNAME", q("host2.old.example"), most, IPv4First, []string{"udp 192.0.2.3:5076"}, nil},
		{"no such name", q("none.example"), most, IPv4First, nil, ErrNotFound},
		{"a zone it has not", q("example.net"), most, IPv4First, nil, ErrServers},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := New(Config{
				Hosts: os.DevNull, Servers: []netip.AddrPort{at}, Families: test.f,
				Budget: 20 * time.Second, Try: 5 * time.Second,
			})
			r.SendBy(test.by...)
			got, err := r.Lookup(context.Background(), test.q)
			if test.err != nil {
				if !errors.Is(err, test.err) {
					t.Errorf("%q, error %v, want %v", hops(got), err, test.err)
				}
				return
			}
			want(t, got, err, test.want...)
		})
	}

	t.Run("other transports from now on", func(t *testing.T) {
		r := New(Config{
			Hosts: os.DevNull, Servers: []netip.AddrPort{at}, Budget: 20 * time.Second,
			Try: 5 * time.Second,
		})
		for _, step := range []struct {
			by   []sip.Transport
			want []string // of full.example as a sips URI; nil: there is none
		}{
			{[]sip.Transport{sip.UDP}, nil},
			{most, []string{"tls 192.0.2.1:5073"}},
			{[]sip.Transport{sip.UDP}, nil},
		} {
			r.SendBy(step.by...)
			got, err := r.Lookup(context.Background(), sips("full.example"))
			if step.want != nil {
				want(t, got, err, step.want...)
			} else if !errors.Is(err, ErrTransport) {
				t.Errorf("by %v: %q, error %v, want ErrTransport", step.by, hops(got), err)
			}
		}
	})

	t.Run("an answer over TCP", func(t *testing.T) {
		r := New(Config{Hosts: os.DevNull, Servers: []netip.AddrPort{at}, Families: IPv4Only,
			Budget: 20 * time.Second, Try: 5 * time.Second})
		got, err := r.Lookup(context.Background(), by(sip.TCP, "large.example"))
		if err != nil || len(got) != maxServers || r.Stats().Truncated.Load() != 1 {
			t.Errorf("%d hops, %d truncated, error %v", len(got), r.Stats().Truncated.Load(), err)
		}
		list, err := r.NAPTR(context.Background(), "4.3.2.1.e164.example")
		if err != nil || len(list) != maxRecords || r.Stats().Truncated.Load() != 2 ||
			!strings.HasPrefix(list[0].Regexp, "!^.*$!sip:long-name-") {
			t.Errorf("%d rules, %d truncated, error %v", len(list), r.Stats().Truncated.Load(), err)
		}
	})
}
