// Command load calls through a proxy at a given rate, and is the callee too: INVITE, 180, 200,
// ACK, BYE, 200, as the transactions of RFC 3261 §17 with their retransmissions.
// Its one law: a call is counted once: completed, refused with 503, or failed.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/udp"
)

func main() {
	proxy := flag.String("proxy", "127.0.0.1:5060", "address of the proxy, UDP")
	caller := flag.String("caller", "127.0.0.1:0", "address of the caller")
	callee := flag.String("callee", "127.0.0.1:5070", "where the proxy sends calls")
	load := flag.String("load", "100/10s", "calls a second and for how long: 100/10s,200/1m")
	watch := flag.String("watch", "", "metrics of the proxy to follow its memory by: http://…/metrics")
	asJSON := flag.Bool("json", false, "write JSON")
	flag.Parse()
	phases, err := parsePhases(*load)
	if err == nil {
		var report []*phase
		if report, err = run(*proxy, *caller, *callee, *watch, phases); err == nil {
			err = write(report, *asJSON)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// parsePhases reads "100/10s,200/1m".
func parsePhases(text string) (list []*phase, err error) {
	for part := range strings.SplitSeq(text, ",") {
		rate, length, _ := strings.Cut(part, "/")
		p := &phase{}
		if p.Rate, err = strconv.Atoi(rate); err == nil {
			p.Length, err = time.ParseDuration(length)
		}
		if err != nil || p.Rate < 0 || p.Length <= 0 {
			return nil, fmt.Errorf("-load %s: %s is not like 100/10s", text, part)
		}
		list = append(list, p)
	}
	return list, nil
}

// run makes the calls of all phases and waits for the last of them.
func run(proxy, from, to, watch string, phases []*phase) ([]*phase, error) {
	var addrs [3]netip.AddrPort
	for i, text := range []string{from, to, proxy} {
		a, err := netip.ParseAddrPort(text)
		if err != nil {
			return nil, err
		}
		addrs[i] = a
	}
	m, err := transport.NewManager(transport.Config{
		Workers: 1,
		Listeners: []transport.Listener{
			{Transport: sip.UDP, Addr: addrs[0]}, {Transport: sip.UDP, Addr: addrs[1]},
		},
	}, transport.Drivers{sip.UDP: udp.Listen})
	if err != nil {
		return nil, err
	}
	defer m.Close(context.Background())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c := newCaller(m, addrs[2])
	m.Start(ends{caller: c, callee: &callee{sender: m, contact: m.Listeners()[1].Addr}})
	for i := range phases {
		if ctx.Err() != nil {
			break
		}
		c.offer(ctx, phases[i], watch)
	}
	c.settle(ctx)
	return phases, nil
}

// ends is the user of both listeners.
type ends struct {
	caller *caller
	callee *callee
}

// Receive implements transport.User.
func (e ends) Receive(f transport.Flow, b []byte) {
	if f.Listener == 0 {
		e.caller.receive(b)
	} else {
		e.callee.receive(f, b)
	}
}

// Failed implements transport.User: what does not leave is sent again.
func (e ends) Failed(transport.Flow, uint64, error) {}

// Closed implements transport.User.
func (e ends) Closed(transport.Flow) {}

func write(report []*phase, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(report)
	}
	for i := range report {
		fmt.Println(report[i])
	}
	return nil
}
