package daemon

import (
	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/events"
	"sipedge/router/auth"
	"sipedge/router/gateway"
	"sipedge/router/natping"
)

func (e emitter) auth(s auth.Stats) {
	e.counter("auth_challenges_total", "401 and 407 sent.", s.Challenged)
	for _, r := range []struct {
		result string
		n      uint64
	}{
		{"accepted", s.Accepted}, {"stale", s.Stale}, {"bad_nonce", s.BadNonce},
		{"unknown_user", s.UnknownUser}, {"bad_password", s.BadPassword},
		{"replayed", s.Replayed}, {"bad_request", s.BadRequest}, {"malformed", s.Malformed},
		{"other_scheme", s.OtherScheme}, {"forbidden", s.Forbidden}, {"exceeded", s.Exceeded},
		{"unavailable", s.Unavailable},
	} {
		e.counter("auth_credentials_total", "Credentials that were looked at, by what came of it.",
			r.n, "result", r.result)
	}
}

func (e emitter) pings(s natping.Stats) {
	const pings = "NAT keep-alive pings of bindings."
	e.counter("nat_pings_total", pings, s.Sent, "result", "sent")
	e.counter("nat_pings_total", pings, s.Answered, "result", "answered")
	e.counter("nat_pings_total", pings, s.Unsent, "result", "unsent")
	e.counter("nat_bindings_lost_total", "Bindings that ended since nobody answered pings.", s.Lost)
}

func (e emitter) backends(s *backends.Services) {
	s.Each(func(name string, b backends.Backend) {
		if b, ok := b.(interface{ Stats() backends.Stats }); ok {
			e.backend(name, b.Stats())
		}
		if b, ok := b.(interface{ Len() int }); ok {
			e.gauge("bindings", "Bindings in memory.", float64(b.Len()), "backend", name)
		}
		if b, ok := b.(backends.Loader); ok {
			loaded := 0.0
			if b.Loaded() {
				loaded = 1
			}
			e.gauge("bindings_loaded", "1: what the database has is read.", loaded, "backend", name)
		}
		if b, ok := b.(backends.Backlogged); ok {
			e.backlog(name, b.Backlog())
		}
		if b, ok := b.(backends.MediaNodes); ok {
			e.media(name, b.Nodes())
		}
	})
}

func (e emitter) backend(name string, s backends.Stats) {
	e.counter("backend_calls_total", "Calls of a backend.", s.Calls, "backend", name)
	e.counter("backend_failures_total", "Calls it could not answer.", s.Failures, "backend", name)
	e.counter("backend_timeouts_total", "Of these, calls that took too long.", s.Timeouts,
		"backend", name)
	e.counter("backend_refused_total", "Calls that were not made: the breaker was open, or too "+
		"many waited.", s.Refused, "backend", name)
	e.counter("backend_breaker_opened_total", "Times the breaker opened.", s.Opened,
		"backend", name)
	open := 0.0
	if s.Breaker != backends.Closed {
		open = 1
	}
	e.gauge("backend_breaker_open", "1: the backend is spared.", open, "backend", name)
	e.gauge("backend_running", "Calls at this moment.", float64(s.Running), "backend", name)
	e.gauge("backend_waiting", "Calls that wait for their turn.", float64(s.Waiting),
		"backend", name)
	e.gauge("backend_longest_seconds", "Age of the call that runs longest.",
		s.Longest.Seconds(), "backend", name)
}

func (e emitter) backlog(name string, b backends.Backlog) {
	e.gauge("backlog_waiting", "Addresses of record whose bindings the database does not have yet.",
		float64(b.Waiting), "backend", name)
	e.gauge("backlog_age_seconds", "Since when the first of them waits.", b.Age.Seconds(),
		"backend", name)
	e.counter("backlog_batches_total", "Batches that the database took.", b.Batches,
		"backend", name)
	e.counter("backlog_failures_total", "Batches that it did not take.", b.Failures,
		"backend", name)
	e.counter("backlog_refused_total", "Changes that were refused since too many waited.",
		b.Refused, "backend", name)
	e.gauge("journal_bytes", "Size of the journal on the disk.", float64(b.Journal),
		"backend", name)
	e.counter("journal_records_total", "Changes that the journal took.", b.JournalRecords,
		"backend", name)
	e.counter("journal_flushes_total", "Flushes to the disk, each for all that waited.",
		b.JournalFlushes, "backend", name)
	e.counter("journal_failures_total", "What the disk did not take.", b.JournalFailures,
		"backend", name)
}

func (e emitter) media(name string, nodes []backends.MediaNode) {
	one := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	for _, n := range nodes {
		of := []string{"backend", name, "node", n.Address}
		e.gauge("media_node_up", "1: the node answers.", one(n.Up), of...)
		e.gauge("media_node_enabled", "1: new calls go to it.", one(n.Enabled), of...)
		e.counter("media_offers_total", "Offers that the node took.", n.Calls, of...)
		e.counter("media_refused_total", "Commands that the node refused.", n.Errors, of...)
		e.counter("media_timeouts_total", "Commands that the node did not answer.", n.Timeouts, of...)
		e.counter("media_pings_total", "Pings of the node.", n.Pings, of...)
		e.counter("media_pings_lost_total", "Of these, without an answer.", n.Lost, of...)
	}
}

func (e emitter) events(s events.Stats) {
	e.gauge("event_subscribers", "Operators who listen to events.", float64(s.Listeners))
	for _, name := range events.Names() {
		e.counter("events_total", "Events that somebody listened to.", s.Told[name], "event", name)
	}
	e.counter("events_lost_total", "Events that those who listened did not take in time.", s.Lost)
}

// gateways are those of the policy: labels are its own words.
func (e emitter) gateways(list []gateway.Status) {
	for _, g := range list {
		labels := []string{"set", g.Set, "gateway", g.URI}
		for _, state := range gateway.StateNames {
			is := 0.0
			if g.State() == state {
				is = 1
			}
			e.gauge("gateway_state", "1 for the state a gateway is in.", is,
				append(labels[:4:4], "state", state)...)
		}
		e.gauge("gateway_calls", "Calls of a gateway.", float64(g.Calls), labels...)
		e.counter("gateway_chosen_total", "Requests a gateway was chosen for.", g.Chosen, labels...)
		e.counter("gateway_failed_total", "Requests that told against a gateway.", g.Failed, labels...)
		e.counter("gateway_probes_total", "Probes of a gateway.", g.Probes, labels...)
		e.counter("gateway_probes_failed_total", "Probes without a good answer.", g.Unanswered, labels...)
		if g.Pace > 0 {
			e.gauge("gateway_answer_seconds", "How long a gateway takes to answer, smoothed.",
				g.Pace.Seconds(), labels...)
		}
	}
}
