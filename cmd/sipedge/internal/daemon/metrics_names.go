package daemon

import (
	"sipedge/router/failed"
	"sipedge/sip/resolve"
)

// names are counters of the resolver.
func (e emitter) names(r *resolve.Resolver) {
	s := r.Stats()
	const cache = "Names that were asked of the cache."
	e.counter("dns_cache_total", cache, s.Hits.Load(), "result", "hit")
	e.counter("dns_cache_total", cache, s.Misses.Load(), "result", "miss")
	const lookups = "Look-ups that asked the DNS and did not answer where to go."
	e.counter("dns_lookups_total", "Look-ups that asked the DNS.", s.Lookups.Load())
	e.counter("dns_lookups_failed_total", lookups, s.NotFound.Load(), "reason", "not_found")
	e.counter("dns_lookups_failed_total", lookups, s.OutOfTime.Load(), "reason", "out_of_time")
	e.counter("dns_lookups_failed_total", lookups, s.Failed.Load(), "reason", "failed")
	e.counter("dns_lookups_shared_total", "Look-ups that waited for another one of the same name.",
		s.Shared.Load())
	e.counter("dns_stale_total", "Look-ups that an expired answer served, as nobody answered.",
		s.Stale.Load())
	e.counter("dns_questions_total", "Questions to servers.", s.Questions.Load())
	e.counter("dns_unanswered_total", "Questions without an answer of use.", s.Lost.Load())
	e.counter("dns_truncated_total", "Questions asked again over TCP.", s.Truncated.Load())
	e.counter("dns_evicted_total", "Answers that left a full cache before their time.",
		s.Evicted.Load())
	e.gauge("dns_cache_answers", "Answers in the cache, expired ones included.",
		float64(r.CacheSize()))
}

func (e emitter) failed(s failed.Stats) {
	for why, n := range s.Failed {
		e.counter("failed_targets_total", "Targets that could not be reached, or asked to be left "+
			"alone.", n, "reason", failed.Reasons[why])
	}
	e.counter("failed_targets_skipped_total", "Times that a target which failed lately was not "+
		"the first.", s.Skipped)
	e.gauge("failed_targets", "Targets that failed lately.", float64(s.Live))
}
