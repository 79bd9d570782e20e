package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"sipedge/examples/bench/peers"
	"sipedge/sip"
)

// result is what the generator tells of a phase.
type result struct {
	Rate      int
	Seconds   float64
	Offered   uint64
	Completed uint64
	P50       float64 `json:"answered_p50"` // s
	P99       float64 `json:"answered_p99"`
	CPU       float64 `json:"cpu_seconds"`
	Load      float64 `json:"load_cpu_seconds"`
}

// perCall is the processor time of the server for a call, in µs.
func (r result) perCall() float64 { return r.CPU * 1e6 / float64(r.Completed) }

// good: 99 % of the calls came to their end, and their answers without a queue worth the name.
func (r result) good() bool {
	return float64(r.Completed) >= 0.99*float64(r.Offered) && r.P99 < slow
}

const (
	slow  = 0.2 // s
	tries = 3   // of a round that is not good: something else had the core
)

// measured is a server, and what came of it.
type measured struct {
	kind    peers.Kind
	warm    time.Duration
	rounds  []result
	highest result
	limit   string // what kept it from more
}

// transport measures both servers:
//
//  1. Kamailio with each of its settings for a moment; the cheapest goes on;
//  2. both at the fixed rate, by turns; a round that goes wrong is tried again;
//  3. each at its highest.
func (p plan) transport(w *peers.World, t sip.Transport) ([]row, error) {
	best, err := p.best(w, t)
	if err != nil {
		return nil, err
	}
	both := []*measured{{kind: best, warm: p.warmOther}, {warm: p.warm}}
	servers := make([]*peers.Server, len(both))
	for i, m := range both {
		if servers[i], err = w.Start(m.kind, t); err != nil {
			return nil, err
		}
		defer servers[i].Stop()
	}
	for round := range p.rounds {
		for i, m := range both {
			var r result
			for range tries {
				r, err = p.calls(w, servers[i], t, p.rate, m.warm, p.measure)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", m.kind, err)
				}
				progress(t, m.kind, fmt.Sprintf("round %d", round+1), r)
				if r.good() {
					break
				}
			}
			m.rounds = append(m.rounds, r)
		}
	}
	for i, m := range both {
		if err := servers[i].Stop(); err != nil {
			return nil, err
		}
		if !p.highest {
			continue
		}
		if err := p.top(w, t, m); err != nil {
			return nil, fmt.Errorf("%s: %w", m.kind, err)
		}
	}
	return rows(t, both[0], both[1]), nil
}

// best is Kamailio as it takes least for a call, of the settings with which it makes them.
func (p plan) best(w *peers.World, t sip.Transport) (best peers.Kind, err error) {
	least := 0.0
	for _, children := range p.children {
		for _, async := range []bool{false, true} {
			k := peers.Kind{Children: children, Async: async}
			s, err := w.Start(k, t)
			if err != nil {
				return best, err
			}
			r, err := p.calls(w, s, t, p.rate, 2*time.Second, 2*time.Second)
			if err := firstError(err, s.Stop()); err != nil {
				return best, fmt.Errorf("%s: %w", k, err)
			}
			progress(t, k, "tried", r)
			if r.good() && (least == 0 || r.perCall() < least) {
				best, least = k, r.perCall()
			}
		}
	}
	if least == 0 {
		return best, fmt.Errorf("kamailio makes no %d calls a second", p.rate)
	}
	return best, nil
}

const (
	moreBy = 1.2  // a step up
	within = 0.05 // of the highest rate
)

// top finds the highest rate of a server, each step with a fresh one: one that was overloaded is
// not the one it was.
func (p plan) top(w *peers.World, t sip.Transport, m *measured) error {
	var good, bad float64 // calls a second
	next := 0.7e6 / median(m.rounds, result.perCall)
	for bad == 0 || good == 0 || bad > good*(1+within) {
		s, err := w.Start(m.kind, t)
		if err != nil {
			return err
		}
		r, err := p.calls(w, s, t, int(next), time.Second, 3*time.Second)
		if err := firstError(err, s.Stop()); err != nil {
			return err
		}
		progress(t, m.kind, "highest", r)
		if r.good() {
			good, m.highest = next, r
		} else {
			bad, m.limit = next, r.limited()
		}
		switch {
		case bad == 0:
			next *= moreBy
		case good == 0:
			next /= moreBy
		default:
			next = (good + bad) / 2
		}
	}
	return nil
}

// full is the share of a core above which it is what kept a rate from being higher.
const full = 0.85

// limited says whose core was full when more calls were offered than were made.
func (r result) limited() string {
	switch {
	case r.CPU >= full*r.Seconds:
		return "server"
	case r.Load >= full*r.Seconds:
		return "generator"
	}
	return "neither core"
}

// calls has the generator call for a while, and again, which is measured.
func (p plan) calls(
	w *peers.World, s *peers.Server, t sip.Transport, rate int, warm, measure time.Duration,
) (r result, err error) {
	c := w.Certificates
	cmd := peers.Pinned(0, p.load, "-transport", t.String(), "-proxy", s.Addr.String(),
		"-connections", strconv.Itoa(p.connections), "-cert", c.Cert, "-key", c.Key, "-ca", c.CA,
		"-callee", "127.0.0.1:0", "-pid", strconv.Itoa(s.PID), "-patience", "4s", "-json",
		"-load", fmt.Sprintf("%d/%s,%d/%s", rate, warm, rate, measure))
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("%v: %w\n%s", cmd, err, log.Bytes())
	}
	var phases []result
	if err := json.Unmarshal(out.Bytes(), &phases); err != nil {
		return r, err
	}
	if r = phases[len(phases)-1]; r.Completed == 0 {
		return r, fmt.Errorf("no call of %d came to its end", r.Offered)
	}
	return r, nil
}

func progress(t sip.Transport, k peers.Kind, what string, r result) {
	fmt.Fprintf(os.Stderr, "%s %s, %s: %d/s, %.2f %% completed, %.1f µs a call, p99 %.1f ms, "+
		"server %.0f %%, generator %.0f %%\n", t, k, what, r.Rate,
		100*float64(r.Completed)/float64(r.Offered), r.perCall(), r.P99*1e3,
		100*r.CPU/r.Seconds, 100*r.Load/r.Seconds)
}

func firstError(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}
