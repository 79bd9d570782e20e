// Command held measures what connections cost that are held open: a client of its own process opens
// them to sipedge and to Kamailio, by TCP and by TLS, asks OPTIONS once over each, and waits.
// Its one law: every connection that counts has carried a message, and is open at the end.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"sipedge/examples/bench/peers"
	"sipedge/examples/bench/proc"
	"sipedge/sip"
)

// spare are descriptors a server needs beside those of its connections.
const spare = 200

func main() {
	if len(os.Args) > 1 && os.Args[1] == "client" {
		if err := client(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "held client:", err)
			os.Exit(1)
		}
		return
	}
	var w peers.World
	flag.StringVar(&w.Sipedge, "sipedge", "out/sipedge", "the program")
	flag.StringVar(&w.Kamailio, "kamailio", "kamailio", "the program")
	flag.IntVar(&w.CPU, "cpu", 1, "the core of the servers; the client has core 0")
	nice := flag.Int("nice", 0, "priority of servers and client: -15 before others, as root")
	transports := flag.String("transports", "tcp,tls", "which")
	count := flag.Int("count", 20000, "connections; fewer where the limit of descriptors is lower")
	hold := flag.Duration("hold", 30*time.Second, "how long they are idle before memory is read")
	children := flag.Int("children", 1, "tcp_children of Kamailio")
	md := flag.String("md", "", "write the table to this file as well")
	flag.Parse()
	n, err := allowed(*count)
	if err == nil {
		err = peers.Prefer(*nice)
	}
	if err == nil {
		kinds := []peers.Kind{{Children: *children}, {}}
		err = run(&w, kinds, strings.Split(*transports, ","), n, *hold, *md)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "held:", err)
		os.Exit(1)
	}
}

// allowed is as many of count connections as descriptors allow.
func allowed(count int) (int, error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, err
	}
	l.Cur = l.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, err
	}
	return min(count, int(l.Max)-spare), nil
}

// measured is a server with its connections.
type measured struct {
	transport     sip.Transport
	kind          peers.Kind
	held, failed  int
	before, after proc.Memory
	opening       time.Duration // processor time of the server
	took          time.Duration
}

func run(
	w *peers.World, kinds []peers.Kind, transports []string, n int, hold time.Duration, md string,
) (err error) {
	if w.Kamailio, err = peers.Program(w.Kamailio); err != nil {
		return err
	}
	if w.Dir, err = os.MkdirTemp("", "sipedge-held-"); err != nil {
		return err
	}
	defer os.RemoveAll(w.Dir)
	if w.Certificates, err = peers.NewCertificates(w.Dir); err != nil {
		return err
	}
	w.Connections, w.Lean = n+spare, true
	var all []measured
	for _, name := range transports {
		for _, k := range kinds {
			t := sip.LookupTransport([]byte(name))
			m, err := measure(w, k, t, n, hold)
			if err != nil {
				return fmt.Errorf("%s %s: %w", name, k, err)
			}
			all = append(all, m)
		}
	}
	text := table(all, hold)
	fmt.Print(text)
	if md != "" {
		err = os.WriteFile(md, []byte(text), 0o644)
	}
	for _, m := range all {
		if m.held < n {
			err = errors.Join(err, fmt.Errorf("%s %s: held %d of %d", m.transport, m.kind, m.held, n))
		}
	}
	return err
}

// measure starts a server and a client, and reads the memory before and in the end.
func measure(
	w *peers.World, k peers.Kind, t sip.Transport, n int, hold time.Duration,
) (m measured, err error) {
	m = measured{transport: t, kind: k}
	s, err := w.Start(k, t)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	all, err := s.Family()
	if err != nil {
		return m, err
	}
	if m.before, err = all.Memory(); err != nil {
		return m, err
	}
	self, err := os.Executable()
	if err != nil {
		return m, err
	}
	cpu, began := all.CPU(), time.Now()
	cmd := peers.Pinned(0, self, "client", t.String(), s.Addr.String(), fmt.Sprint(n),
		w.Certificates.CA)
	cmd.Stderr = os.Stderr
	wait, err := cmd.StdinPipe()
	if err != nil {
		return m, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return m, err
	}
	if err := cmd.Start(); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, cmd.Wait()) }()
	defer wait.Close()
	if _, err := fmt.Fscanln(out, &m.held, &m.failed); err != nil {
		return m, fmt.Errorf("client: %w", err)
	}
	m.opening, m.took = all.CPU()-cpu, time.Since(began)
	time.Sleep(hold)
	if m.after, err = all.Memory(); err != nil {
		return m, err
	}
	fmt.Fprintf(wait, "\n")
	if _, err := fmt.Fscanln(out, &m.held); err != nil {
		return m, fmt.Errorf("client: %w", err)
	}
	fmt.Fprintf(os.Stderr, "%s %s: %d held, %d failed, opened within %s\n", t, k, m.held, m.failed,
		m.took.Round(time.Millisecond))
	return m, nil
}

// table is the report, in Markdown.
func table(all []measured, hold time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Connections that carried an OPTIONS and then were idle for %s.\n\n", hold)
	b.WriteString("| transport | server | held | PSS before | PSS | bytes a connection " +
		"| RSS a connection | ÷ Kamailio | µs to open one |\n|---|---|---|---|---|---|---|---|---|\n")
	each := func(m measured) float64 {
		return float64(m.after.PSS-m.before.PSS) / float64(max(1, m.held))
	}
	reference := map[sip.Transport]float64{}
	for _, m := range all {
		if m.kind.Children > 0 {
			reference[m.transport] = each(m)
		}
		n := float64(max(1, m.held))
		fmt.Fprintf(&b, "| %s | %s | %d | %.1f MB | %.1f MB | %.0f | %.0f | %.2f | %.0f |\n",
			m.transport, m.kind, m.held, float64(m.before.PSS)/1e6, float64(m.after.PSS)/1e6,
			each(m), float64(m.after.RSS-m.before.RSS)/n, each(m)/reference[m.transport],
			float64(m.opening.Microseconds())/n)
	}
	return b.String()
}
