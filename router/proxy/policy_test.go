package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/router/proxy"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transport"
)

// A policy of a test is the file "policy" of its archive, a rule a line:
//
//	route: condition … -> action argument …
//
// The routes are request and the names that relay and on_error give. Rules run
// from top to bottom until an action ends the run. Conditions and actions are
// in holds and act. Lines before the first rule configure:
//
//	listen udp 10.0.0.9:5060 edge.example.net      a listener, as advertised
//	alias example.net                              what is this router, too
//	set branches=2 attempts=1 deny=10.9.0.0/16 allow=127.0.0.0/8 reply_all=name
//	dns gw.example.net 2s 10.0.0.2:5060,10.0.0.3:5060     known after 2 s
//	dns gw.example.net - 10.0.0.2:5060                    known at once
//	pool 0                                         how many look-ups at once
type policy struct {
	listeners []transport.Listener
	aliases   []string
	settings  proxy.Settings
	names     map[string]name
	pool      int
	rules     map[string][]rule
	proxy     *proxy.Proxy
}

type name struct {
	known bool
	after time.Duration
	hops  []resolve.Hop
}

type rule struct {
	conditions []string
	action     string
	args       []string
}

// route is a job.Route of a policy.
type route struct {
	p    *policy
	name string
}

func parsePolicy(src string) (*policy, error) {
	p := &policy{names: map[string]name{}, rules: map[string][]rule{}, pool: 100}
	for _, line := range strings.Split(src, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("policy line %q: %w", line, err)
		}
	}
	return p, nil
}

func (p *policy) line(line string) error {
	head, action, isRule := strings.Cut(line, "->")
	w := strings.Fields(head)
	if isRule {
		a := strings.Fields(action)
		r := rule{conditions: w[1:], action: a[0], args: a[1:]}
		where := strings.TrimSuffix(w[0], ":")
		p.rules[where] = append(p.rules[where], r)
		return nil
	}
	switch w[0] {
	case "listen":
		l := transport.Listener{Transport: sip.LookupTransport([]byte(w[1]))}
		l.Addr = netip.MustParseAddrPort(w[2])
		if len(w) > 3 {
			l.Advertised = w[3]
		}
		p.listeners = append(p.listeners, l)
	case "alias":
		p.aliases = append(p.aliases, w[1])
	case "dns":
		n := name{known: w[2] == "-"}
		if !n.known {
			n.after, _ = time.ParseDuration(w[2])
		}
		for _, a := range strings.Split(strings.Join(w[3:], ""), ",") {
			if a != "" {
				n.hops = append(n.hops, resolve.Hop{
					Transport: sip.UDP, Addr: netip.MustParseAddrPort(a),
				})
			}
		}
		p.names[w[1]] = n
	case "pool":
		p.pool, _ = strconv.Atoi(w[1])
	case "set":
		for _, kv := range w[1:] {
			k, v, _ := strings.Cut(kv, "=")
			n, _ := strconv.Atoi(v)
			switch k {
			case "branches":
				p.settings.Branches = n
			case "attempts":
				p.settings.Attempts = n
			case "deny":
				p.settings.Guard.Deny = append(p.settings.Guard.Deny, netip.MustParsePrefix(v))
			case "allow":
				p.settings.Guard.Allow = append(p.settings.Guard.Allow, netip.MustParsePrefix(v))
			case "reply_all":
				p.settings.ReplyAll = p.route(v)
			default:
				return errors.New("unknown setting")
			}
		}
	default:
		return errors.New("unknown line")
	}
	return nil
}

func (p *policy) route(name string) job.Route {
	if name == "" {
		return nil
	}
	return &route{p, name}
}

// Waits implements job.Route.
func (r *route) Waits() bool { return false }

// Run implements job.Route.
func (r *route) Run(_ context.Context, j *job.Job) job.Verdict {
next:
	for _, rule := range r.p.rules[r.name] {
		for _, c := range rule.conditions {
			if !r.p.holds(j, c) {
				continue next
			}
		}
		if v := r.p.act(j, rule.action, rule.args); v != job.Next {
			return v
		}
	}
	return job.Next
}

func (p *policy) holds(j *job.Job, condition string) bool {
	k, v, _ := strings.Cut(condition, "=")
	switch k {
	case "method":
		return string(j.Msg.MethodName()) == v
	case "status":
		return strconv.Itoa(j.Status) == v
	case "last_error":
		return strconv.Itoa(j.LastError) == v
	case "cause":
		return v == map[job.Cause]string{
			job.NoCause: "", job.CauseTimeout: "timeout", job.CauseTransport: "transport",
		}[j.Cause]
	case "in_dialog":
		return j.Msg.ToTag() != nil
	case "loose":
		return p.proxy.LooseRoute(j, v != "none")
	case "verified":
		return j.Verified
	case "direction":
		return v == map[job.Direction]string{
			job.Downstream: "downstream", job.Upstream: "upstream",
		}[j.Direction]
	case "ruri":
		return string(j.Msg.RURI()) == v
	case "rr_params":
		return string(j.RRParams) == v
	case "next_branches":
		return p.proxy.NextBranches(j)
	case "from_port":
		return strconv.Itoa(int(j.Flow.Remote.Port())) == v
	case "place":
		return j.Place.String() == v
	}
	panic("condition " + condition)
}

// options splits the arguments of an action into options and words.
func options(args []string) (opts map[string]string, words []string) {
	opts = map[string]string{}
	for _, a := range args {
		k, v, ok := strings.Cut(a, "=")
		switch k {
		case "to", "branch", "reply", "failure", "on_error", "fr", "inv", "local":
			if ok {
				opts[k] = v
				continue
			}
		}
		words = append(words, a)
	}
	return opts, words
}

func (p *policy) act(j *job.Job, action string, args []string) job.Verdict {
	opts, words := options(args)
	var to []byte
	if opts["to"] != "" {
		to = []byte(opts["to"])
	}
	switch action {
	case "relay":
		h := proxy.Hooks{
			Branch: p.route(opts["branch"]), Reply: p.route(opts["reply"]),
			Failure: p.route(opts["failure"]), OnError: p.route(opts["on_error"]),
			To: to, By: trustOf(opts["local"] != ""),
		}
		h.FinalWait, _ = time.ParseDuration(opts["fr"])
		h.InviteWait, _ = time.ParseDuration(opts["inv"])
		return p.proxy.Relay(j, &h)
	case "forward":
		return p.proxy.Forward(j, to, trustOf(opts["local"] != ""), p.route(opts["on_error"]))
	case "reply", "reply_stateful":
		code, _ := strconv.Atoi(words[0])
		extra := strings.Join(words[1:], " ")
		if extra != "" {
			extra += "\r\n"
		}
		return p.proxy.Reply(j, code, "", []byte(extra), action == "reply_stateful")
	case "accept":
		if !p.proxy.Accept(j) {
			return job.Done
		}
	case "append":
		t := job.Target{URI: j.Bytes([]byte(words[0]))}
		if len(words) > 1 {
			t.Q, _ = strconv.Atoi(words[1])
		}
		p.proxy.Append(j, t)
	case "append_hop":
		j.Targets = append(j.Targets, job.Target{
			URI: j.Bytes([]byte(words[0])), NextHop: j.Bytes([]byte(words[1])),
		})
	case "serialize":
		j.Groups = true
	case "record_route":
		j.RecordRoute = new(job.RecordRoute)
		if len(words) > 0 {
			j.RRParams = j.Bytes([]byte(words[0]))
		}
	case "ruri":
		j.Msg.SetRURI([]byte(words[0]))
	case "revert":
		j.Msg.SetRURI(j.Received)
	case "add":
		name, value, _ := strings.Cut(strings.Join(words, " "), ": ")
		j.Msg.InsertNamed(j.Msg.Len(), name, []byte(value))
	case "no_vias":
		j.Msg.RemoveAll("Via")
	case "socket":
		n, _ := strconv.Atoi(words[0])
		j.SendSocket = uint16(n)
	case "drop":
		p.proxy.Drop(j)
		return job.Drop
	case "wait": // for an answer of a backend, which never comes
		j.Answered = true
		return job.Done
	case "panic":
		panic("policy")
	default:
		panic("action " + action)
	}
	return job.Next
}

// Cached and Lookup make a policy the resolver of its proxy.
func (p *policy) Cached(dst []resolve.Hop, q resolve.Query) ([]resolve.Hop, bool, error) {
	n, ok := p.names[q.Host]
	if !ok || !n.known {
		return dst, false, nil
	}
	if len(n.hops) == 0 {
		return dst, true, resolve.ErrNotFound
	}
	return append(dst, n.hops...), true, nil
}

func (p *policy) Lookup(_ context.Context, q resolve.Query) ([]resolve.Hop, error) {
	n, ok := p.names[q.Host]
	switch {
	case !ok:
		return nil, resolve.ErrBudget
	case len(n.hops) == 0:
		return nil, resolve.ErrNotFound
	}
	return n.hops, nil
}

// trustOf is who says the next hop of a relay.
func trustOf(own bool) nexthop.Trust {
	if own {
		return nexthop.Own
	}
	return nexthop.Ruled
}
