// Command hostile measures calls beside attacks: how long those of a healthy peer wait for their
// answer while others do to the same server what strangers do, and while they do not, by turns.
// Its one law: an attack counts only when the server's own counters say that it took place.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"sipedge/examples/bench/attack"
	"sipedge/examples/bench/peers"
	"sipedge/sip"
)

// plan is what is measured.
type plan struct {
	sipedge, load string // programs
	cpu           int    // of the server
	dir           string // of files
	certificates  peers.Certificates

	calls       int // a second, of the healthy peer
	connections int // of its caller and of its callee
	rate        int // hostile connections or calls a second
	rounds      int // of a window without the attack and one with it
	window      time.Duration
	goal        float64 // p99 with ÷ without, of the turn in the middle: above it is a failure
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "attack" {
		if err := attacker(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "hostile attack:", err)
			os.Exit(1)
		}
		return
	}
	var p plan
	flag.StringVar(&p.sipedge, "sipedge", "out/sipedge", "the program")
	flag.StringVar(&p.load, "load", "out/load", "the generator of calls, examples/bench/load")
	flag.IntVar(&p.cpu, "cpu", 1, "the core of the server; everybody else has core 0")
	nice := flag.Int("nice", 0, "priority of server and healthy peer: -15 before others, as root")
	transports := flag.String("transports", "tcp,tls", "of the healthy peer")
	names := flag.String("attacks", "", "which, by name; all unless set")
	flag.IntVar(&p.calls, "calls", 400, "calls a second of the healthy peer")
	flag.IntVar(&p.connections, "connections", 4, "of its caller and of its callee")
	flag.IntVar(&p.rate, "rate", 100, "hostile connections or calls a second")
	flag.IntVar(&p.rounds, "rounds", 6, "of a window without the attack and one with it")
	flag.DurationVar(&p.window, "window", 4*time.Second, "length of each")
	flag.Float64Var(&p.goal, "goal", 1.2,
		"p99 with ÷ without, of the turn in the middle: above it is a failure")
	quick := flag.Bool("quick", false, "a look, no measurement: one round, no goal")
	md := flag.String("md", "", "write the table to this file as well")
	flag.Parse()
	if *quick {
		p.rounds, p.goal = 1, 0
	}
	err := peers.Prefer(*nice)
	var wrong []string
	if err == nil {
		wrong, err = run(&p, strings.Split(*transports, ","), *names, *md)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(3)
	}
	for _, w := range wrong {
		fmt.Fprintln(os.Stderr, "hostile:", w)
	}
	if len(wrong) > 0 {
		os.Exit(1)
	}
}

// run measures, writes the table, and says what was not as it has to be.
func run(p *plan, transports []string, names, md string) (wrong []string, err error) {
	if p.dir, err = os.MkdirTemp("", "sipedge-hostile-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(p.dir)
	if p.certificates, err = peers.NewCertificates(p.dir); err != nil {
		return nil, err
	}
	chosen, err := choose(names)
	if err != nil {
		return nil, err
	}
	var all []*row
	for _, name := range transports {
		t := sip.LookupTransport([]byte(name))
		if t != sip.TCP && t != sip.TLS {
			return nil, fmt.Errorf("-transports: %s is neither tcp nor tls", name)
		}
		for _, a := range chosen {
			r, err := p.measure(a, t)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", name, a.Name, err)
			}
			fmt.Fprintln(os.Stderr, r)
			all = append(all, r)
		}
	}
	text := table(p, all)
	fmt.Print(text)
	if md != "" {
		err = os.WriteFile(md, []byte(text), 0o644)
	}
	for _, r := range all {
		wrong = append(wrong, r.wrong(p)...)
	}
	return wrong, err
}

// choose is the attacks of a list of names, all if it is empty.
func choose(names string) ([]*attack.Attack, error) {
	if names == "" {
		return attack.All, nil
	}
	var chosen []*attack.Attack
	for name := range strings.SplitSeq(names, ",") {
		a := attack.Named(name)
		if a == nil {
			return nil, errors.New("-attacks: there is no " + name)
		}
		chosen = append(chosen, a)
	}
	return chosen, nil
}
