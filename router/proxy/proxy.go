package proxy

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"sipedge/router/job"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// Resolver is what proxy asks of sip/resolve.
type Resolver interface {
	Cached(dst []resolve.Hop, q resolve.Query) (hops []resolve.Hop, ok bool, err error)
	Lookup(ctx context.Context, q resolve.Query) ([]resolve.Hop, error)
}

// Config of a Proxy. Layer is set by SetLayer, since the layer's User is made of the proxy.
type Config struct {
	Sender   transport.Sender
	Resolver Resolver
	Pool     job.Pool
	Clock    func() time.Time
	Secret   [32]byte // keys of To tags, Record-Route tags, loop hashes: derived from it
	Log      *slog.Logger
}

// Proxy is the stateful and stateless proxy core, RFC 3261 §16, with RFC 5393. Its settings that a reload may change come in a Settings value per job.
type Proxy struct{ cfg Config }

func New(cfg Config) *Proxy                    { return &Proxy{cfg: cfg} }
func (p *Proxy) SetLayer(l *transaction.Layer) { panic("contract") }

// Settings of the policy a job runs under. Immutable; reached by SetSettings or carried per job.
type Settings struct {
	Self        *job.Self
	MaxForwards int // written when absent
	Branches    int // of one request
	Attempts    int // failure routes of one transaction
	FinalWait   time.Duration
	InviteWait  time.Duration
	Deny, Allow []netip.Prefix // destination guard
	ReplyAll    job.Route      // reply.all, nil: none
}

// SetSettings swaps the settings for what begins from now on; transactions keep theirs.
func (p *Proxy) SetSettings(s *Settings) { panic("contract") }

// Hooks ride along with a relay.
type Hooks struct {
	Branch, Reply, Failure job.Route
	OnError                job.Route     // run instead when nothing could be sent for a local reason; nil: 503
	To                     []byte        // next hop URI of the policy; nil: Route, then Request-URI
	ToLocal                bool          // To is the policy's own, exempt from the destination guard
	FinalWait, InviteWait  time.Duration // 0: the settings'
}

// Relay forwards the job's target set statefully, RFC 3261 §16.6. It makes the server transaction when there is none,
// and in a failure route adds branches to the one there is. An ACK goes out statelessly, and only by a verified
// loose_route or to a local target of the policy; a CANCEL that matched nothing gets 481.
func (p *Proxy) Relay(j *job.Job, h *Hooks) job.Verdict { panic("contract") }

// Forward sends the request on without state, RFC 3261 §16.11, with a deterministic branch. onError as in Hooks.
func (p *Proxy) Forward(j *job.Job, to []byte, toLocal bool, onError job.Route) job.Verdict {
	panic("contract")
}

// Reply answers the request. Without a transaction it is stateless with a keyed To tag that absorbs its ACK; a 1xx or stateful makes one.
// extra are whole header lines. A reply to an ACK sends nothing. 1xx: Next, else Done.
func (p *Proxy) Reply(j *job.Job, status int, reason string, extra []byte, stateful bool) job.Verdict {
	panic("contract")
}

// LooseRoute takes our Route out, RFC 3261 §16.4, strict routers included. ok false: no Route of ours with a valid tag
// (verify) stands on top; nothing was changed.
func (p *Proxy) LooseRoute(j *job.Job, verify bool) (ok bool) { panic("contract") }

// TagAbsorbs reports whether an ACK's To tag is one of our stateless replies': the ACK ends here. The router asks before any rule runs.
func (p *Proxy) TagAbsorbs(m *sip.Message) bool { panic("contract") }

// Refuse answers a message that Parse or the engine's checks refused, statelessly, outside any policy.
func (p *Proxy) Refuse(f transport.Flow, m *sip.Message, status int, reason string) {
	panic("contract")
}

// The transaction.User methods the router hands on.

func (p *Proxy) Cancelled(s transaction.Server, word uint64, m *sip.Message) { panic("contract") }
func (p *Proxy) Response(c transaction.Client, word uint64, f transport.Flow, m *sip.Message, err error) {
	panic("contract")
}
func (p *Proxy) Stray(f transport.Flow, m *sip.Message)  { panic("contract") } // stateless forwarding of responses
func (p *Proxy) Ended(s transaction.Server, word uint64) { panic("contract") }

// Stats are counters since the start.
type Stats struct {
	Relayed, Forwarded, Replied, StatelessReplies, AbsorbedACKs uint64
	Refused, Loops, TooManyHops, NoTarget, Guarded, Cancelled   uint64
	LiveContexts                                                int64
}

func (p *Proxy) Stats() Stats { panic("contract") }
