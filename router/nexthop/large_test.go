package nexthop

import (
	"net/netip"
	"testing"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

func hopBy(t sip.Transport, addr string) resolve.Hop {
	return resolve.Hop{Transport: t, Addr: netip.MustParseAddrPort(addr)}
}

func TestByTCP(t *testing.T) {
	f := Finder{Sender: sender([]transport.Listener{
		listener(sip.UDP, "10.0.0.9:5060"),
		listener(sip.TCP, "10.0.0.9:5062"),
		listener(sip.UDP, "192.168.0.9:5060"),
		listener(sip.UDP, "[2001:db8::9]:5060"),
	})}
	udp, tcp := hopBy(sip.UDP, "10.0.0.2:5070"), hopBy(sip.TCP, "10.0.0.2:5070")
	told := hopBy(sip.TCP, "10.0.0.2:5080")
	other := hopBy(sip.TCP, "10.0.0.3:5060")
	six := hopBy(sip.UDP, "[2001:db8::2]:5060")
	none := resolve.Hop{}
	for _, tt := range []struct {
		name   string
		hops   []resolve.Hop
		tried  int
		forced uint16
		want   resolve.Hop
	}{
		{"the port of UDP", []resolve.Hop{udp}, 1, transport.AnyListener, tcp},
		{"the port the DNS told", []resolve.Hop{udp, told}, 1, transport.AnyListener, told},
		{"another's", []resolve.Hop{udp, other}, 1, transport.AnyListener, tcp},
		{"tried", []resolve.Hop{tcp, udp}, 2, transport.AnyListener, none},
		{"told and tried", []resolve.Hop{told, udp}, 2, transport.AnyListener, none},
		{"no TCP where it leaves", []resolve.Hop{udp}, 1, 2, none},
		{"no TCP of the family", []resolve.Hop{six}, 1, transport.AnyListener, none},
	} {
		got, ok := f.ByTCP(tt.hops, tt.tried, 0, tt.forced)
		if want := tt.want != none; ok != want || want && got != tt.want {
			t.Errorf("%s: want %v, got %v %v", tt.name, tt.want, got, ok)
		}
	}
}

func TestMostByUDP(t *testing.T) {
	hop := []byte("sip:198.51.100.7:40000")
	for _, tt := range []struct {
		name, uri string
		target    job.Target
		capped    bool
	}{
		{"an address", "sip:b@10.0.0.2", job.Target{}, true},
		{"UDP is asked for", "sip:b@10.0.0.2;transport=udp", job.Target{}, false},
		{"a gateway", "sip:10.0.0.2", job.Target{NextHop: hop, Local: true}, true},
		{"a binding", "sip:198.51.100.7:40000", job.Target{NextHop: hop, Said: true}, false},
		{"a binding by its Path", "sip:10.0.0.2", job.Target{
			NextHop: hop, Said: true, Route: []byte("<sip:10.0.0.2;lr>"),
		}, true},
	} {
		u, err := sip.ParseURI([]byte(tt.uri))
		if err != nil {
			t.Fatal(err)
		}
		if got := MostByUDP(&u, &tt.target, 1300) == 1300; got != tt.capped {
			t.Errorf("%s: want %v, got %v", tt.name, tt.capped, got)
		}
	}
}

func TestOthers(t *testing.T) {
	a, b := "10.0.0.2:5060", "10.0.0.3:5060"
	hops := []resolve.Hop{hopBy(sip.TCP, a), hopBy(sip.UDP, a), hopBy(sip.TCP, b)}
	for tried, want := range []int{0, 2, 2, 3} {
		if got := Others(hops, tried); got != want {
			t.Errorf("%d tried: want %d, got %d", tried, want, got)
		}
	}
}
