package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/tcp"
	"sipedge/sip/transport/tls"
	"sipedge/sip/transport/udp"
)

// setup is what a run is made of.
type setup struct {
	transport    sip.Transport
	proxy        netip.AddrPort
	caller       netip.AddrPort // the first of connections; port 0: any
	callee       netip.AddrPort // likewise
	connections  int            // of each side; 1 with UDP
	certificates *tls.Store     // of TLS: that of both sides is certificate
	patience     time.Duration
	watch        string // "": no metrics
	pid          int    // 0: unknown
	phases       []*phase
	samples      *samples // nil: not kept
}

const certificate = "load"

// check sees to it that the run can be made.
func (s *setup) check(files tls.Files) error {
	switch {
	case s.transport != sip.UDP && s.transport != sip.TCP && s.transport != sip.TLS:
		return errors.New("-transport is udp, tcp or tls")
	case s.connections < 1 || s.connections > 1 && s.transport == sip.UDP:
		return errors.New("-connections: at least one, and one with UDP")
	case s.transport != sip.TLS:
		return nil
	}
	p, wrong := tls.Prepare(map[string]tls.Files{certificate: files})
	if err := wrong[certificate]; err != nil {
		return fmt.Errorf("-cert, -key, -ca: %w", err)
	}
	s.certificates = tls.NewStore()
	s.certificates.Use(p)
	return nil
}

// listeners are those of the caller, then those of the callee: a connection that is opened has
// the identity of a listener, so as many as there are to be connections.
func (s *setup) listeners() (list []transport.Listener) {
	for _, first := range []netip.AddrPort{s.caller, s.callee} {
		for i := range s.connections {
			port := first.Port()
			if port != 0 {
				port += uint16(i)
			}
			l := transport.Listener{
				Transport: s.transport, Addr: netip.AddrPortFrom(first.Addr(), port),
			}
			if s.certificates != nil {
				l.Credentials = s.certificates.Credentials(certificate)
			}
			list = append(list, l)
		}
	}
	return list
}

// lines are the ways to call over bound listeners.
func (s *setup) lines(bound []transport.Listener) (list []line) {
	for i, us := range bound[:s.connections] {
		l := line{
			target: transport.Target{
				Transport: s.transport, Listener: uint16(i), Remote: s.proxy,
			},
			via: "SIP/2.0/" + s.transport.ViaName() + " " + us.Addr.String(),
			us:  uri("caller", us),
			to:  uri("callee", bound[s.connections+i]),
		}
		if s.transport == sip.UDP {
			l.to = "sip:callee@" + s.proxy.String() // the proxy knows where the callee is
		}
		list = append(list, l)
	}
	return list
}

// uri is that of a user at a listener.
func uri(user string, l transport.Listener) string {
	s := "sip:" + user + "@" + l.Addr.String()
	if l.Transport != sip.UDP {
		s += ";transport=" + l.Transport.String()
	}
	return s
}

// run makes the calls of all phases and waits for the last of them.
func (s *setup) run() error {
	all := 1 << 16    // connections: the proxy may open as many as it likes
	queue := 16 << 20 // bytes: what is lost is not lost here
	m, err := transport.NewManager(transport.Config{
		Workers: 1, Listeners: s.listeners(),
		Limits: transport.Limits{Connections: all, PerSource: all, Queue: queue},
	}, transport.Drivers{sip.UDP: udp.Listen, sip.TCP: tcp.Listen, sip.TLS: tls.Listen})
	if err != nil {
		return err
	}
	defer m.Close(context.Background())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c := newCaller(m, s.lines(m.Listeners()), s.patience)
	m.Start(ends{caller: c, callee: &callee{sender: m}, first: uint16(s.connections)})
	if s.transport.Reliable() {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1) // for who keeps one, package keep
	}
	for _, p := range s.phases {
		if ctx.Err() != nil {
			break
		}
		p.watch, p.pid, p.samples = s.watch, s.pid, s.samples
		c.offer(ctx, p)
	}
	c.settle(ctx)
	return nil
}

// ends is the user of all listeners.
type ends struct {
	caller *caller
	callee *callee
	first  uint16 // listener of the callee
}

// Receive implements transport.User.
func (e ends) Receive(f transport.Flow, b []byte) {
	if f.Listener < e.first {
		e.caller.receive(b)
	} else {
		e.callee.receive(f, b)
	}
}

// Failed implements transport.User: what does not leave is sent again, or its call fails.
func (e ends) Failed(transport.Flow, uint64, error) {}

// Closed implements transport.User.
func (e ends) Closed(transport.Flow) {}
