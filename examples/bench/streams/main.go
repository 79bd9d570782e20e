// Command streams measures calls over TCP and TLS: sipedge beside Kamailio, on one core by turns,
// under the load of command load on another.
// Its one law: what is compared was measured in one run, by the same generator, at the same rate.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"sipedge/examples/bench/peers"
	"sipedge/sip"
)

// plan is what is measured.
type plan struct {
	load        string // the generator
	connections int    // of caller and callee each
	rate        int    // calls a second
	rounds      int
	warm        time.Duration // of sipedge: a finished INVITE is kept for 32 s, timers L and M
	warmOther   time.Duration // of Kamailio: 5 s, wt_timer
	measure     time.Duration
	highest     bool
	children    []int // of Kamailio, to take the best of
}

func main() {
	var w peers.World
	p := plan{children: []int{1, 2, 4}}
	flag.StringVar(&w.Sipedge, "sipedge", "out/sipedge", "the program")
	flag.StringVar(&w.Kamailio, "kamailio", "kamailio", "the program")
	flag.StringVar(&p.load, "load", "out/load", "the generator, examples/bench/load")
	flag.IntVar(&w.CPU, "cpu", 1, "the core of the servers; the generator has core 0")
	nice := flag.Int("nice", 0, "priority of servers and generator: -15 before others, as root")
	transports := flag.String("transports", "tcp,tls", "which")
	flag.IntVar(&p.connections, "connections", 8, "of the caller and of the callee")
	flag.IntVar(&p.rate, "rate", 1000, "calls a second of the fixed rate")
	flag.IntVar(&p.rounds, "rounds", 3, "by turns")
	flag.DurationVar(&p.measure, "measure", 5*time.Second, "in each round")
	goal := flag.Float64("goal", 0.9, "processor time a call ÷ Kamailio's: above it is a failure")
	quick := flag.Bool("quick", false, "a look, no measurement: one short round, Kamailio with one "+
		"child, no highest rate, no goal")
	md := flag.String("md", "", "write the table to this file as well")
	flag.Parse()
	p.warm, p.warmOther, p.highest = 34*time.Second, 7*time.Second, true
	if *quick {
		p.rounds, p.children, p.highest, *goal = 1, p.children[:1], false, 0
		p.warm, p.warmOther, p.measure = 2*time.Second, 2*time.Second, 2*time.Second
	}
	err := peers.Prefer(*nice)
	failed := false
	if err == nil {
		failed, err = run(&w, p, strings.Split(*transports, ","), *goal, *md)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "streams:", err)
		os.Exit(3)
	}
	if failed {
		os.Exit(1)
	}
}

// run measures, writes the table, and reports whether the goal was missed.
func run(w *peers.World, p plan, transports []string, goal float64, md string) (bool, error) {
	var err error
	if w.Kamailio, err = peers.Program(w.Kamailio); err != nil {
		return false, err
	}
	if w.Dir, err = os.MkdirTemp("", "sipedge-streams-"); err != nil {
		return false, err
	}
	defer os.RemoveAll(w.Dir)
	if w.Certificates, err = peers.NewCertificates(w.Dir); err != nil {
		return false, err
	}
	w.Connections = 1000
	var all []row
	for _, name := range transports {
		t := sip.LookupTransport([]byte(name))
		if t != sip.TCP && t != sip.TLS {
			return false, fmt.Errorf("-transports: %s is neither tcp nor tls", name)
		}
		rows, err := p.transport(w, t)
		if err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, rows...)
	}
	text := table(p, all)
	fmt.Print(text)
	if md != "" {
		err = os.WriteFile(md, []byte(text), 0o644)
	}
	return missed(all, goal), err
}
