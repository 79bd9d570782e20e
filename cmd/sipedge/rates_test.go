package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Rates are replaced under calls, once by rows that are wrong and once by many: every call
// succeeds, and goes where the rows say that there are.
func TestSIPpRatesReloaded(t *testing.T) {
	needs(t, "sipp")
	near, far := startGateway(t), startGateway(t)
	path := filepath.Join(t.TempDir(), "rates.csv")
	write := func(rows string) {
		t.Helper()
		next := path + ".new"
		if err := os.WriteFile(next, []byte("prefix,gateways,cost\n"+rows), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, path); err != nil {
			t.Fatal(err)
		}
	}
	write("49,near,\n49,far,1\n")
	s := startServer(t, testHead+fmt.Sprintf(`
gateways:
  near: {destinations: [{uri: "sip:%s"}]}
  far: {destinations: [{uri: "sip:%s"}]}
tables: {rates: {lcr: {file: %q}}}
`, near.addr, far.addr, path)+withinDialogs+`
    - {name: calls, do: [{record_route: {}}, {lcr: {table: rates, number: "4930123"}}, {relay: {}}]}
`)
	caller := startUAC(t, "uac", "udp", s.addr("udp", false), endless(20))
	takes := func(g *gatewayPeer, which string) {
		t.Helper()
		before := g.took.Load()
		await(t, 20*time.Second, func() (string, bool) {
			return which + " takes calls", g.took.Load() > before+5
		})
	}
	takes(near, "the first")
	if n := far.took.Load(); n > 0 {
		t.Errorf("the dear one took %d calls", n)
	}
	write("49,far,\n")
	takes(far, "the second")
	write("49,nowhere,\n")
	await(t, 20*time.Second, func() (string, bool) {
		_, text := s.get("/metrics")
		return "the rows are refused", strings.Contains(text, `sipedge_table_failed{table="rates"} 1`)
	})
	takes(far, "the second still")
	var many strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&many, "49%d,far,0.%d\n", 100_000+i, i%7)
	}
	write(many.String() + "493,near,\n")
	takes(near, "the first again")
	if ok, failed := caller.finish(); ok < 20 || failed > 0 {
		t.Errorf("%d calls succeeded, %d failed", ok, failed)
	}
}
