// Command load calls through a proxy at a given rate, and is the callee too: INVITE, 180, 200,
// ACK, BYE, 200, as the transactions of RFC 3261 §17 with their retransmissions.
// Its one law: a call is counted once: completed, refused with 503, or failed.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport/tls"
)

// sampled calls have room from the start, so that none waits for a copy.
const sampled = 1 << 20

func main() {
	var s setup
	addr := func(a *netip.AddrPort, name, value, usage string) {
		*a = netip.MustParseAddrPort(value)
		flag.TextVar(a, name, *a, usage)
	}
	addr(&s.proxy, "proxy", "127.0.0.1:5060", "address of the proxy")
	addr(&s.caller, "caller", "127.0.0.1:0", "address of the caller")
	addr(&s.callee, "callee", "127.0.0.1:5070", "where the proxy sends calls")
	by := flag.String("transport", "udp", "udp, tcp or tls")
	flag.IntVar(&s.connections, "connections", 1, "of the caller and of the callee, each of its "+
		"own port from the callee's on; the Request-URI says which of the callee's")
	var files tls.Files
	flag.StringVar(&files.Cert, "cert", "", "TLS: the certificate of caller and callee")
	flag.StringVar(&files.Key, "key", "", "TLS: its key")
	ca := flag.String("ca", "", "TLS: the CA to trust")
	load := flag.String("load", "100/10s", "calls a second and for how long: 100/10s,200/1m")
	flag.DurationVar(&s.patience, "patience", 64*t1, "how long to wait for a response: timer B")
	flag.StringVar(&s.watch, "watch", "", "metrics of the proxy to follow its memory by: "+
		"http://…/metrics")
	flag.IntVar(&s.pid, "pid", 0, "the proxy's process, to count the processor time of it and "+
		"its children by (Linux)")
	file := flag.String("samples", "", "write when each call began and how much later it was "+
		"answered to this file: ns since 1970, and ns")
	asJSON := flag.Bool("json", false, "write JSON")
	flag.Parse()
	s.transport = sip.LookupTransport([]byte(*by))
	files.CA = []string{*ca}
	err := s.check(files)
	if err == nil {
		s.phases, err = parsePhases(*load)
	}
	if *file != "" {
		s.samples = &samples{all: make([]sample, 0, sampled)}
	}
	if err == nil {
		err = s.run()
	}
	if err == nil && *file != "" {
		err = s.samples.write(*file)
	}
	if err == nil {
		err = write(s.phases, *asJSON)
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
