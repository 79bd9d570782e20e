package siptest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/mem"
)

// patience is how long, in virtual time, a step waits for a message.
const patience = 400 * time.Second

// Start puts the system under test on the network. files are those of the
// archive (a policy, say). idle is asked at the end, when all timers have run
// out: it tells what state is left.
type Start func(t *testing.T, net *mem.Network, files map[string]string) (idle func() error)

// RunFile plays the flow of one txtar file.
func RunFile(t *testing.T, path string, start Start) {
	t.Helper()
	ar, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	Run(t, ar, start)
}

// Run plays the file "flow" of the archive against what start puts on the network.
func Run(t *testing.T, ar *txtar.Archive, start Start) {
	t.Helper()
	files := map[string]string{}
	for _, f := range ar.Files {
		files[f.Name] = string(f.Data)
	}
	ladder, err := Play(files["flow"], func(net *mem.Network) (System, error) {
		return System{Idle: start(t, net, files)}, nil
	})
	if err != nil {
		t.Fatalf("flow: %v\n%s", err, ladder)
	}
	if testing.Verbose() {
		t.Log("\n" + ladder)
	}
}

// System is what a flow is played against. Both functions may be nil.
type System struct {
	Ended func()       // called when the last step was played, before all timers run out
	Idle  func() error // asked behind that: it tells what state is left
}

// Play plays a flow against what start puts on the network. ladder is what was
// sent and received, a line a message.
func Play(
	flow string, start func(net *mem.Network) (System, error),
) (ladder string, err error) {
	steps, err := parseFlow(flow)
	if err != nil {
		return "", err
	}
	if len(steps) == 0 {
		return "", errors.New("there is no flow")
	}
	r := &runner{net: mem.New(mem.Config{Seed: 1}), agents: map[string]*agent{}}
	r.start = r.net.Now()
	system, err := start(r.net)
	if err != nil {
		return "", err
	}
	for i := range steps {
		if err := r.play(&steps[i]); err != nil {
			return r.ladder.String(), fmt.Errorf("line %d: %w", steps[i].line, err)
		}
	}
	return r.ladder.String(), r.finish(system)
}

type runner struct {
	net    *mem.Network
	agents map[string]*agent
	proxy  map[sip.Transport]netip.AddrPort
	start  time.Time
	ladder strings.Builder
	err    error // of a message that could not be read
}

func (r *runner) elapsed() time.Duration { return r.net.Now().Sub(r.start) }

func (r *runner) play(s *step) error {
	switch s.verb {
	case "agent":
		return r.declare(s)
	case "proxy":
		addr, err := netip.ParseAddrPort(s.word(1))
		if r.proxy == nil {
			r.proxy = map[sip.Transport]netip.AddrPort{}
		}
		r.proxy[sip.LookupTransport([]byte(s.word(0)))] = addr
		return err
	case "wait":
		d, err := time.ParseDuration(s.word(0))
		r.net.Run(r.net.Now().Add(d))
		return err
	}
	if s.verb == "down" || s.verb == "up" || s.verb == "gone" {
		s.who = s.word(0)
	}
	a := r.agents[s.who]
	if a == nil {
		return fmt.Errorf("no agent %q", s.who)
	}
	switch s.verb {
	case "down", "up":
		r.cut(a, s.verb == "down")
		return nil
	case "gone":
		a.node.Close()
		return nil
	case "send":
		return r.send(a, s)
	}
	return r.expect(a, s)
}

// user hands what an agent's node receives to its inbox.
type user struct {
	r *runner
	a *agent
}

func (u user) Receive(f transport.Flow, b []byte) {
	if err := u.a.receive(u.r.elapsed(), f, b); err != nil && u.r.err == nil {
		u.r.err = fmt.Errorf("%s received: %w", u.a.name, err)
	}
	first, _, _ := strings.Cut(string(b), "\r\n")
	fmt.Fprintf(&u.r.ladder, "%9.3fs  %-8s <- %s\n", u.r.elapsed().Seconds(), u.a.name, first)
}
func (u user) Failed(transport.Flow, uint64, error) {}
func (u user) Closed(transport.Flow)                { u.a.closed++ }

func (r *runner) declare(s *step) error {
	if len(s.words) != 3 {
		return fmt.Errorf("want: agent NAME TRANSPORT ADDRESS:PORT")
	}
	addr, err := netip.ParseAddrPort(s.words[2])
	if err != nil {
		return err
	}
	a := newAgent(s.words[0], sip.LookupTransport([]byte(s.words[1])), addr)
	node, err := r.net.Node(transport.Listener{Transport: a.kind, Addr: addr})
	if err != nil {
		return err
	}
	node.Start(user{r, a})
	a.node, r.agents[a.name] = node, a
	return nil
}

// cut loses everything that is sent to an agent, or ends that.
func (r *runner) cut(a *agent, down bool) {
	var link mem.Link
	if down {
		link.Loss = 1
	}
	for _, p := range r.proxy {
		r.net.SetLink(p.Addr(), a.addr.Addr(), link)
	}
	for _, o := range r.agents {
		r.net.SetLink(o.addr.Addr(), a.addr.Addr(), link)
	}
}

// runUntil lets things happen until done, or patience has run out.
func (r *runner) runUntil(done func() bool) {
	end := r.net.Now().Add(patience)
	for !done() && r.net.Now().Before(end) && r.net.Step() {
	}
}

func (r *runner) send(a *agent, s *step) error {
	b, to, err := r.outgoing(a, s)
	if err != nil {
		return err
	}
	if dst := s.opts["to"]; dst != "" {
		addr, err := netip.ParseAddrPort(dst)
		if err != nil {
			return err
		}
		to = transport.Target{Transport: a.kind, Listener: 0, Remote: addr}
	}
	a.sent, a.sentTo = b, to
	first, _, _ := strings.Cut(string(b), "\r\n")
	fmt.Fprintf(&r.ladder, "%9.3fs  %-8s -> %s\n", r.elapsed().Seconds(), a.name, first)
	return a.node.Send(to, b, 0)
}

func (r *runner) outgoing(a *agent, s *step) (b []byte, to transport.Target, err error) {
	switch word := s.words[0]; {
	case word == "again":
		return a.sent, a.sentTo, nil
	case word == "raw":
		text, err := r.expand(s.raw)
		b = []byte(strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\r\n"))
		if !bytes.Contains(b, []byte("\r\n\r\n")) {
			b = append(b, "\r\n\r\n"...)
		}
		return b, r.viaProxy(a), err
	case s.status() != 0:
		method := s.word(1)
		if method == "" {
			method = a.asked
		}
		req, ok := a.seen[method]
		if !ok {
			return nil, to, fmt.Errorf("%s has not received %s", a.name, method)
		}
		m := a.response(s.status(), req, s)
		err = r.fields(m, s)
		return m.bytes(), req.flow.Target(), err
	}
	uri, err := r.expand(s.word(1))
	if err != nil {
		return nil, to, err
	}
	m, c, err := a.request(s.words[0], uri, s)
	if err != nil {
		return nil, to, err
	}
	if err = r.fields(m, s); err != nil {
		return nil, to, err
	}
	to = r.viaProxy(a)
	if m.method() == "CANCEL" || m.method() == "ACK" && param(m.get("To"), "tag") != "" &&
		c.final != nil && c.final.status() >= "300" {
		to = c.inviteTo
	} else if c.current != nil || m.has("Route") {
		addr, kind, err := nextHop(m)
		if err != nil {
			return nil, to, err
		}
		to = transport.Target{Transport: kind, Remote: addr}
	}
	if m.method() == "INVITE" {
		c.inviteTo = to
	}
	return m.bytes(), to, nil
}

func (r *runner) viaProxy(a *agent) transport.Target {
	return transport.Target{Transport: a.kind, Remote: r.proxy[a.kind]}
}

// fields applies a step's indented lines to a message to be sent.
func (r *runner) fields(m *text, s *step) error {
	for _, f := range s.fields {
		v, err := r.expand(f.value)
		if err != nil {
			return err
		}
		switch {
		case f.op == '-':
			m.remove(f.name)
		case f.op == '+':
			m.add(f.name, v)
		case f.name == "body":
			m.body = strings.ReplaceAll(v, `\n`, "\r\n")
		case f.name == "start":
			m.start = v
		default:
			m.set(f.name, v)
		}
	}
	return nil
}

var placeholder = regexp.MustCompile(`\{([a-z0-9]+)\.([A-Za-z-]+)\}`)

// expand puts in what {agent.Header} and {agent.ruri} stand for.
func (r *runner) expand(s string) (string, error) {
	var err error
	s = placeholder.ReplaceAllStringFunc(s, func(p string) string {
		w := placeholder.FindStringSubmatch(p)
		a := r.agents[w[1]]
		if a == nil || a.last.m == nil {
			err = fmt.Errorf("%s: nothing received", p)
			return ""
		}
		if w[2] == "ruri" {
			return a.last.m.ruri()
		}
		if name, ok := strings.CutSuffix(w[2], "-uri"); ok {
			return uriOf(a.last.m.get(name))
		}
		return a.last.m.get(w[2])
	})
	return s, err
}

func (r *runner) finish(s System) error {
	if s.Ended != nil {
		s.Ended()
	}
	r.net.Run(r.net.Now().Add(patience))
	var all []error
	for _, name := range slices.Sorted(maps.Keys(r.agents)) {
		for _, m := range r.agents[name].inbox {
			all = append(all, fmt.Errorf("%s received, and nobody asked for it, at %v: %s",
				name, m.at, m.m.start))
		}
	}
	all = append(all, r.err)
	if s.Idle != nil {
		if err := s.Idle(); err != nil {
			all = append(all, fmt.Errorf("at the end: %w", err))
		}
	}
	return errors.Join(all...)
}
