package daemon

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"sipedge/router"
	"sipedge/router/data"
	"sipedge/router/proxy"
	"sipedge/router/uac"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// metrics names and exports the counters of every floor. Labels come from closed sets:
// methods, classes, transports, the policy's own names.
func (d *Daemon) metrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &collector{d: d})
	return r
}

// collector reads all counters in one go when it is scraped.
type collector struct{ d *Daemon }

// Describe tells nothing: the series of rules come and go with the policy.
func (*collector) Describe(chan<- *prometheus.Desc) {}

func (c *collector) Collect(out chan<- prometheus.Metric) {
	e := emitter{out}
	d := c.d
	e.gauge("policy_generation", "Policies that ran since the start, the current included.",
		float64(d.generation.Load()))
	e.counter("reload_failures_total", "Reloads that were refused.", uint64(d.failures.Load()))
	e.router(d.router.Stats())
	e.proxy(d.router.Proxy())
	e.requests(d.router.Requests())
	e.transactions(d.router.Transactions())
	e.pool(d.pool.Stats())
	e.names(d.names)
	e.failed(d.failed.Stats())
	e.tables(d.router.Tables())
	e.auth(d.router.Auth())
	e.pings(d.router.Pings())
	e.counter("bindings_disconnected_total", "Bindings that ended with their connection.",
		d.router.FlowsEnded())
	e.gateways(d.router.Gateways().List())
	e.backends(d.data.Load())
	e.transports(d.manager)
	e.certificates(d.certs)
	e.events(d.events.Stats())
}

// emitter sends metrics; names get the prefix sipedge_.
type emitter struct{ out chan<- prometheus.Metric }

func (e emitter) send(
	kind prometheus.ValueType, name, help string, v float64, labels ...string,
) {
	var names, values []string
	for i := 0; i < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	desc := prometheus.NewDesc("sipedge_"+name, help, names, nil)
	e.out <- prometheus.MustNewConstMetric(desc, kind, v, values...)
}

func (e emitter) counter(name, help string, n uint64, labels ...string) {
	e.send(prometheus.CounterValue, name, help, float64(n), labels...)
}

func (e emitter) gauge(name, help string, v float64, labels ...string) {
	e.send(prometheus.GaugeValue, name, help, v, labels...)
}

func (e emitter) router(s router.Stats) {
	for _, c := range s.Requests {
		e.counter("requests_total", "Requests the policy ran for.", c.N, "method", c.Label)
	}
	for _, c := range s.Replies {
		e.counter("replies_total", "Replies received.", c.N, "class", c.Label)
	}
	for _, c := range s.Malformed {
		e.counter("malformed_total", "Messages refused by the parser.", c.N, "reason", c.Label)
	}
	e.counter("unanswered_total", "Requests a policy ran off its end for.", s.Unanswered)
	e.counter("unfit_values_total", "Values that were none for their variable.", s.Unfit)
	e.counter("dropped_total", "Requests a policy dropped.", s.Dropped)
	e.counter("overload_total", "New dialogs refused because too much waited.", s.Overload)
	e.counter("drained_total", "New dialogs refused while draining.", s.Drained)
	e.counter("requests_suspended_total", "Requests that had to wait for a backend.", s.Suspended)
	e.counter("timers_skipped_total", "Runs of timer routes left out.", s.Skipped)
	e.counter("panics_total", "Messages that cost a recovered panic.", s.Panics)
	for _, r := range s.Rules {
		e.counter("rule_matches_total", "How often a rule matched, since the policy came in.",
			r.Hits, "type", r.Type, "route", r.Route, "rule", r.Rule)
	}
}

func (e emitter) proxy(s proxy.Stats) {
	e.counter("proxy_relayed_total", "Requests relayed statefully.", s.Relayed)
	e.counter("proxy_forwarded_total", "Messages forwarded without state.", s.Forwarded)
	e.counter("proxy_replied_total", "Final replies of our own on a transaction.", s.Replied)
	e.counter("proxy_stateless_replies_total", "Replies without state.", s.StatelessReplies)
	e.counter("proxy_absorbed_acks_total", "ACKs to stateless replies.", s.AbsorbedACKs)
	e.counter("proxy_refused_total", "Requests the engine refused.", s.Refused)
	e.counter("proxy_loops_total", "Requests answered 482.", s.Loops)
	e.counter("proxy_too_many_hops_total", "Requests answered 483.", s.TooManyHops)
	e.counter("proxy_no_target_total", "Branches whose next hop was not found.", s.NoTarget)
	e.counter("proxy_recursed_total", "Branches that follow a redirection.", s.Recursed)
	e.counter("proxy_guarded_total", "Branches the destination guard stopped.", s.Guarded)
	e.counter("proxy_cancelled_total", "INVITEs the caller cancelled.", s.Cancelled)
	e.counter("proxy_dropped_acks_total", "ACKs without a way to go.", s.DroppedACKs)
	e.counter("proxy_dropped_responses_total", "Responses to no request of ours.",
		s.DroppedResponses)
	e.counter("proxy_by_tcp_total", "Branches too large for UDP that tried TCP first.", s.ByTCP)
	e.gauge("proxy_contexts", "Response contexts in memory.", float64(s.LiveContexts))
}

// requests are those of the router's own.
func (e emitter) requests(s uac.Stats) {
	e.counter("own_requests_total", "Requests of our own that were sent.", s.Sent)
	e.counter("own_answered_total", "Requests of our own with a final reply.", s.Answered)
	e.counter("own_failed_total", "Requests of our own without one.", s.Failed)
	e.counter("own_refused_total", "Requests of our own beyond the limit.", s.Refused)
	e.gauge("own_requests", "Requests of our own that wait for a reply.", float64(s.Live))
}

func (e emitter) transactions(s transaction.Stats) {
	const made, live = "Transactions made.", "Transactions in memory."
	e.counter("transactions_total", made, s.Servers, "side", "server")
	e.counter("transactions_total", made, s.Clients, "side", "client")
	e.gauge("transactions", live, float64(s.LiveServers), "side", "server")
	e.gauge("transactions", live, float64(s.LiveClients), "side", "client")
	e.counter("retransmissions_total", "Messages sent again.", s.Retransmissions)
	e.counter("absorbed_total", "Retransmissions received.", s.Absorbed)
	e.counter("timeouts_total", "Transactions ended by timer B, F or H.", s.Timeouts)
}

func (e emitter) pool(s router.PoolStats) {
	e.gauge("pool_jobs", "Steps that wait for DNS or a backend.", float64(s.Live))
	e.counter("pool_full_total", "Steps refused because the pool was full.", s.Full)
	e.counter("pool_panics_total", "Steps that cost a recovered panic.", s.Panics)
}

func (e emitter) tables(tables *data.Tables) {
	for _, t := range tables.List() {
		e.gauge("table_rows", "Rows of a table, or keys of a cache.",
			float64(t.Len(time.Time{})), "table", t.Name())
		if c := t.Cache(); c != nil {
			e.counter("table_evicted_total", "Keys that left a full cache before their time.",
				c.Evicted(), "table", t.Name())
			continue
		}
		if h, ok := t.History(); ok {
			e.history(t.Name(), h)
		}
	}
}

// history is that of a table which is not the policy's own.
func (e emitter) history(table string, h data.History) {
	const reloads = "Times that rows of tables were read again."
	e.counter("table_reloads_total", reloads, h.Done, "table", table, "result", "done")
	e.counter("table_reloads_total", reloads, h.Failures, "table", table, "result", "failed")
	e.gauge("table_version", "Changes of the rows of a table since the start, which is 1; 0: it "+
		"was never read.", float64(h.Version), "table", table)
	failed := 0.0
	if h.Failed {
		failed = 1
	}
	e.gauge("table_failed", "1: the table could not be read the last time; the last good copy stays.",
		failed, "table", table)
	e.gauge("table_left_out", "Rows of a table that can't be meant here: they are left out.",
		float64(h.Left), "table", table)
	if !h.Read.IsZero() {
		e.gauge("table_age_seconds", "Time since the rows of a table were read.",
			time.Since(h.Read).Seconds(), "table", table)
	}
}

// transports sums the listeners of each transport, those that were removed too.
func (e emitter) transports(m *transport.Manager) {
	sums := map[string]*listenerSum{}
	for i, l := range m.Places() {
		name := l.Transport.String()
		if sums[name] == nil {
			sums[name] = &listenerSum{
				ended: make([]uint64, len(transport.Reasons)), faults: make([]uint64, len(transport.Faults)),
			}
		}
		sums[name].add(m.Stats()[i])
	}
	for name, s := range sums {
		s.emit(e, name)
	}
}
