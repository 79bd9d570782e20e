package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"sipedge/router/action"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/resolve"
)

// inquiry is a name with the places of the policy that mention it.
type inquiry struct {
	query  resolve.Query
	places []action.Destination // next hops first
	err    error
}

// lookupsAtOnce is how many names are looked up at a time.
const lookupsAtOnce = 32

// checkNames asks the DNS, as serve will, for the hosts that the policy names, and each server
// that it names whether it answers.
//
//  1. Every name is asked once, as where it is mentioned first, and every server.
//  2. A name without an answer says nothing where no server answers: that is told then.
func checkNames(ctx context.Context, s *Subject) (diags schema.Diagnostics) {
	r, err := newResolver(s.Doc)
	if err != nil {
		return nil // the schema has let only addresses pass
	}
	names := inquiries(slices.Concat(s.Policy.Destinations(), gateways(s.Doc)))
	servers := s.Doc.DNS.Servers
	var silent []bool
	var asking sync.WaitGroup
	if len(servers) > 0 || slices.ContainsFunc(names, func(q *inquiry) bool {
		_, known, _ := r.Cached(nil, q.query)
		return !known
	}) {
		asking.Go(func() { silent = ask(ctx, r) })
	}
	lookUp(ctx, r, names)
	asking.Wait()
	for i, text := range servers {
		if silent[i] {
			d := problemAt(text.Pos, text.Pos.Col+len(text.S), schema.SilentServer,
				"the DNS server %s does not answer", text.S)
			diags = append(diags, d)
		}
	}
	deaf := len(silent) > 0 && !slices.Contains(silent, false)
	unanswered := slices.IndexFunc(names, (*inquiry).unanswered)
	if deaf && len(servers) == 0 && unanswered >= 0 {
		diags = append(diags, names[unanswered].noServer(r.Servers()))
	}
	for _, q := range names {
		if q.err != nil && !(deaf && q.unanswered()) {
			diags = append(diags, q.problem())
		}
	}
	return diags
}

// gateways are those of the sets of a policy.
func gateways(doc *schema.Document) (all []action.Destination) {
	for i := range doc.Gateways.Keys {
		doc.Gateways.Keys[i].Get("destinations").Each(func(g *schema.Value) {
			uri := g.Get("uri")
			all = append(all, action.Destination{
				URI: []byte(uri.S), Pos: uri.Pos, End: uri.Pos.Col + len(uri.S), Next: true,
			})
		})
	}
	return all
}

// inquiries are the names of destinations.
func inquiries(all []action.Destination) (names []*inquiry) {
	known := map[string]*inquiry{}
	for _, next := range []bool{true, false} {
		for _, d := range all {
			u, err := sip.ParseURI(d.URI)
			if err != nil || d.Next != next {
				continue
			}
			q, _, err := resolve.QueryOf(&u)
			if err != nil || q.Host == "" {
				continue
			}
			n := known[q.Host]
			if n == nil {
				n = &inquiry{query: q}
				known[q.Host], names = n, append(names, n)
			}
			n.places = append(n.places, d)
		}
	}
	return names
}

// ask asks the servers of a resolver whether they are there; true: one is silent.
func ask(ctx context.Context, r *resolve.Resolver) []bool {
	silent := make([]bool, len(r.Servers()))
	var all sync.WaitGroup
	for i, server := range r.Servers() {
		all.Go(func() { silent[i] = r.Reach(ctx, server) != nil })
	}
	all.Wait()
	return silent
}

func lookUp(ctx context.Context, r *resolve.Resolver, names []*inquiry) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(lookupsAtOnce, len(names)) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(names)); i = next.Add(1) - 1 {
				_, err := r.Lookup(ctx, names[i].query)
				if !errors.Is(err, resolve.ErrTransport) { // the name is there
					names[i].err = err
				}
			}
		})
	}
	all.Wait()
}

// unanswered reports whether the DNS said nothing about the name.
func (q *inquiry) unanswered() bool {
	return q.err != nil && !errors.Is(q.err, resolve.ErrNotFound)
}

// problem tells, at the first place, what is wrong with the name.
func (q *inquiry) problem() schema.Diagnostic {
	at := &q.places[0]
	d := problemAt(at.Pos, at.End, schema.NoSuchHost, "there is no host %s in the DNS", q.query.Host)
	if q.unanswered() {
		d.Code = schema.Unresolved
		d.Message = fmt.Sprintf("%s could not be looked up: %v", q.query.Host, q.reason())
	}
	if !at.Next {
		d.Severity = schema.Warning
	}
	if n := len(q.places); n > 1 {
		d.Message += fmt.Sprintf(" (it is named in %d places)", n)
	}
	return d
}

func (q *inquiry) reason() error {
	if errors.Is(q.err, context.DeadlineExceeded) {
		return errNoTime
	}
	return q.err
}

var errNoTime = errors.New("no answer in the time of --timeout")

// noServer tells that the name needs a server, and those of the host are all silent.
func (q *inquiry) noServer(servers []netip.AddrPort) schema.Diagnostic {
	at := &q.places[0]
	var list []string
	for _, s := range servers {
		list = append(list, s.String())
	}
	d := problemAt(at.Pos, at.End, schema.SilentServer,
		"%s needs the DNS, and no server of this host answers: %s", q.query.Host,
		strings.Join(list, ", "))
	d.Hint = "they are those of /etc/resolv.conf; `dns: {servers: […]}` names others"
	return d
}

func problemAt(
	pos schema.Pos, end int, code schema.Code, format string, args ...any,
) schema.Diagnostic {
	return schema.Diagnostic{Pos: pos, End: end, Code: code, Message: fmt.Sprintf(format, args...)}
}
