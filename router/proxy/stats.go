package proxy

import "sync/atomic"

// Stats are counters since the start; LiveContexts is now.
type Stats struct {
	Relayed          uint64 // requests relayed statefully
	Forwarded        uint64 // requests and responses forwarded statelessly
	Replied          uint64 // final responses of our own on a transaction
	StatelessReplies uint64
	AbsorbedACKs     uint64 // by a To tag of ours
	Refused          uint64 // by the engine: what Parse refused, 416, 420, 440, a full pool
	Loops            uint64 // 482
	TooManyHops      uint64 // 483
	NoTarget         uint64 // branches whose next hop could not be found or reached
	Guarded          uint64 // branches the destination guard stopped, or a Route not to be followed
	Recursed         uint64 // branches that follow a redirection
	Cancelled        uint64 // INVITEs the caller cancelled
	DroppedACKs      uint64 // relayed without a verified Route or a local target
	DroppedResponses uint64 // that answer no request of ours, or came too many at once
	ByTCP            uint64 // branches too large for UDP that tried TCP first
	LiveContexts     int64
}

type counters struct {
	relayed, replied, statelessReplies, absorbedACKs          atomic.Uint64
	refused, loops, tooManyHops, noTarget, guarded, cancelled atomic.Uint64
	droppedACKs, droppedResponses, byTCP, recursed            atomic.Uint64
	liveContexts                                              atomic.Int64
}

func (p *Proxy) Stats() Stats {
	s := &p.stats
	return Stats{
		Relayed:          s.relayed.Load(),
		Forwarded:        p.stateless.Forwarded(),
		Replied:          s.replied.Load(),
		StatelessReplies: s.statelessReplies.Load(),
		AbsorbedACKs:     s.absorbedACKs.Load(),
		Refused:          s.refused.Load(),
		Loops:            s.loops.Load(),
		TooManyHops:      s.tooManyHops.Load(),
		NoTarget:         s.noTarget.Load() + p.stateless.NoTarget(),
		Guarded:          s.guarded.Load() + p.stateless.Guarded(),
		Recursed:         s.recursed.Load(),
		Cancelled:        s.cancelled.Load(),
		DroppedACKs:      s.droppedACKs.Load(),
		DroppedResponses: s.droppedResponses.Load() + p.stateless.DroppedResponses(),
		ByTCP:            s.byTCP.Load(),
		LiveContexts:     s.liveContexts.Load(),
	}
}
