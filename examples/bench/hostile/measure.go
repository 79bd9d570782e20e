package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"sipedge/examples/bench/attack"
	"sipedge/examples/bench/peers"
	"sipedge/sip"
)

const (
	warm = 5 * time.Second // of the healthy peer, before the first window
	// stands is how long what is hostile stands before the server ends it, at most: its limits for
	// messages and handshakes, as sipedge.yaml sets or leaves them.
	stands = 10 * time.Second
	// lasts is how long it goes on with calls that nobody answers any more: its limits for
	// connecting and writing.
	lasts = 5 * time.Second
	late  = time.Second // at which the last of either may be over
)

// calls is what the generator tells of the healthy peer's.
type calls struct{ Offered, Completed uint64 }

// measure measures one attack beside a healthy peer, with a server of their own:
//
//  1. the healthy peer begins to call, at a steady rate;
//  2. by turns: a window without; the attack begins, and when it stands a window with it; it ends,
//     and what it left behind does;
//  3. the healthy peer ends, and tells when each call began and how long its answer took.
func (p *plan) measure(a *attack.Attack, t sip.Transport) (r *row, err error) {
	s, err := p.start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	file := filepath.Join(s.dir, "samples")
	each := 2*p.window + stands + late + lasts + late
	healthy, told, err := p.healthy(s, t, warm+time.Duration(p.rounds)*each+late, file)
	if err != nil {
		return nil, err
	}
	r = &row{attack: a, transport: t}
	if err := p.turns(s, r); err != nil {
		_ = healthy.Process.Kill() // nobody needs what it tells
		_ = healthy.Wait()
		return nil, err
	}
	if err := healthy.Wait(); err != nil {
		return nil, fmt.Errorf("healthy peer: %w", err)
	}
	var all []calls
	if err := json.Unmarshal(told.Bytes(), &all); err != nil {
		return nil, err
	}
	r.calls = all[0]
	return r, r.take(file)
}

// healthy starts the healthy peer.
func (p *plan) healthy(
	s *server, t sip.Transport, length time.Duration, file string,
) (*exec.Cmd, *bytes.Buffer, error) {
	c := p.certificates
	cmd := peers.Pinned(0, p.load, "-transport", t.String(), "-proxy", s.listener(t).String(),
		"-connections", strconv.Itoa(p.connections), "-cert", c.Cert, "-key", c.Key, "-ca", c.CA,
		"-callee", "127.0.0.1:0", "-patience", "4s", "-json", "-samples", file,
		"-load", fmt.Sprintf("%d/%s", p.calls, length))
	var out bytes.Buffer
	cmd.Stdout = &out
	return cmd, &out, cmd.Start()
}

// turns are the windows of r.
func (p *plan) turns(s *server, r *row) error {
	a := r.attack
	at := s.listener(cmp.Or(a.Over, sip.TCP))
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// It must be the server that makes the healthy peer wait, not what the hostile ones do on his
	// core: they get out of his way.
	cmd := peers.Pinned(0, "chrt", "--idle", "0",
		self, "attack", a.Name, at.String(), strconv.Itoa(p.rate))
	cmd.Stderr = os.Stderr
	orders, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	told, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Wait() // what went wrong is known by then
	defer orders.Close()
	answers := json.NewDecoder(told)
	time.Sleep(warm)
	for range p.rounds {
		var pair turn
		pair.without = p.pass()
		before, err := s.metrics()
		if err != nil {
			return err
		}
		fmt.Fprintln(orders)
		time.Sleep(stands + late)
		pair.with = p.pass()
		after, err := s.metrics()
		if err != nil {
			return err
		}
		fmt.Fprintln(orders)
		if err := answers.Decode(&r.done); err != nil {
			return fmt.Errorf("attack: %w", err)
		}
		r.counted += after[a.Counter] - before[a.Counter]
		time.Sleep(lasts + late)
		r.turns = append(r.turns, pair)
	}
	return nil
}

// pass lets a window pass.
func (p *plan) pass() (w window) {
	w.from = time.Now()
	time.Sleep(p.window)
	w.to = time.Now()
	return w
}
