package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Listeners come and go, a reload each, while calls go on over those that stay: none fails.
func TestSIPpListenersOnReload(t *testing.T) {
	needs(t, "sipp")
	reloads, l := 8, endless(100)
	if soaking() {
		reloads = 60
	}
	callee, at := startUAS(t, "uas", "udp", "127.0.0.1", l)
	good := relayTo(at, "udp")
	s := startServer(t, good)
	byUDP := startUAC(t, "uac", "udp", s.addr("udp", false), l)
	byTCP := startUAC(t, "uac", "tcp", s.addr("tcp", false), l)
	last := "  - {tcp: \"[::1]:0\"}\n" // calls leave by those before it
	for range reloads / 2 {
		one := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freePort(t))
		s.reload(strings.Replace(good, last,
			fmt.Sprintf("  - {udp: %q}\n  - {tcp: %q}\n%s", one, one, last), 1), true)
		conn, err := net.Dial("tcp", one.String())
		if err != nil {
			t.Fatalf("a listener that was added: %v", err)
		}
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := conn.Write([]byte("\r\n\r\n")); err != nil {
			t.Error(err)
		}
		pong := make([]byte, 2)
		if _, err := io.ReadFull(conn, pong); err != nil {
			t.Errorf("a keep-alive to a listener that was added: %v", err)
		}
		s.reload(good, true)
		if n, err := conn.Read(pong); err != io.EOF {
			t.Errorf("a connection of a listener that was removed: %d bytes, %v, want EOF", n, err)
		}
		conn.Close()
		if _, err := net.Dial("tcp", one.String()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("a listener that was removed: %v, want refused", err)
		}
	}
	for _, caller := range []*sipp{byUDP, byTCP} {
		if began, failed := caller.finish(); began == 0 || failed > 0 {
			t.Errorf("%d calls succeeded, %d failed", began, failed)
		}
	}
	if taken, failed := callee.finish(); taken == 0 || failed > 0 {
		t.Errorf("callee: %d calls succeeded, %d failed", taken, failed)
	}
}
