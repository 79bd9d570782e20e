package uac

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// A request of our own:
//
//  1. Send writes it and counts it, or refuses: too many wait for an answer.
//  2. When the run that asked for it has ended, the local route sees it.
//  3. Its next hop is found: at once, or by the pool.
//  4. The first hop that takes it gets it, in a client transaction.
//  5. Response takes the answer, or that there is none, and counts.

var (
	ErrBusy    = errors.New("too many requests of our own wait for an answer")
	errBad     = errors.New("not a request")
	errNowhere = errors.New("nowhere to send it")
)

// Word is the transaction word of requests of our own.
const Word = 0

// Way is what finds and names the way a request takes.
type Way interface {
	// Locate calls then with where u leads, at once or on a goroutine of the
	// pool: nothing when it leads nowhere it may lead to. local: u is the
	// policy's own and not guarded. False: the pool is full; then is not called.
	Locate(u *sip.URI, local bool, then func([]resolve.Hop)) bool
	// Egress chooses the listener for a hop, the forced one where it suits, and
	// appends its Via up to the branch. AnyListener: none suits.
	Egress(dst []byte, forced uint16, hop resolve.Hop) (listener uint16, via []byte)
	// Sent is told what left.
	Sent(t *job.Trace, to transport.Target, b []byte)
}

// Settings of the policy that sends.
type Settings struct {
	Self  *job.Self
	Name  string    // the host of From, unless the policy says another
	Local job.Route // runs for each request before it leaves; nil: none
	Max   int       // without an answer at once; 0: 100
}

const defaultMax = 100

// Config of an Agent.
type Config struct {
	Way   Way
	Layer *transaction.Layer
	Log   *slog.Logger
}

// Agent sends. It is safe for concurrent use.
type Agent struct {
	cfg  Config
	live atomic.Int64

	sent, answered, failed, refused atomic.Uint64
}

func New(cfg Config) *Agent { return &Agent{cfg: cfg} }

// Stats are counters since the start; Live is now.
type Stats struct {
	Sent     uint64
	Answered uint64 // by a final response
	Failed   uint64 // that could not be sent, or had no final response
	Refused  uint64 // by the bound on those without an answer
	Live     int64  // without an answer
}

func (a *Agent) Stats() Stats {
	return Stats{
		Sent: a.sent.Load(), Answered: a.answered.Load(), Failed: a.failed.Load(),
		Refused: a.refused.Load(), Live: a.live.Load(),
	}
}

// Request is what to send.
type Request struct {
	Method   string
	URI      []byte // the Request-URI, and that of To
	From     []byte // a URI; nil: Settings.Name
	Hop      []byte // URI of the next hop; nil: URI
	HopLocal bool   // the next hop is the policy's own: not guarded
	Headers  []byte // whole lines
	Body     []byte
}

// Send has a request sent when the run of j has ended. It keeps nothing of r.
func (a *Agent) Send(j *job.Job, s *Settings, r *Request) error {
	limit := s.Max
	if limit == 0 {
		limit = defaultMax
	}
	if a.live.Add(1) > int64(limit) {
		a.live.Add(-1)
		a.refused.Add(1)
		return ErrBusy
	}
	m := new(sip.Message)
	if err := m.Parse(appendRequest(nil, s, r)); err != nil {
		a.live.Add(-1)
		return err
	}
	o := &own{agent: a, set: s, msg: m, local: r.HopLocal, trace: j.Trace}
	hop := r.Hop
	if hop == nil {
		hop = r.URI
	}
	u, err := sip.ParseURI(append([]byte(nil), hop...))
	if err != nil || u.Scheme != sip.SIP && u.Scheme != sip.SIPS {
		a.live.Add(-1)
		return errBad
	}
	o.hop = u
	now := j.Now
	j.Later(func() {
		j := job.Get()
		defer job.Put(j)
		j.Place, j.Now, j.Msg, j.Trace = schema.InLocal, now, m, o.trace
		j.Self, j.Flow.Listener = s.Self, transport.AnyListener
		if s.Local != nil {
			s.Local.Run(context.Background(), j)
		}
		o.socket = j.SendSocket
		if !a.cfg.Way.Locate(&o.hop, o.local, o.located) {
			a.end(errNowhere)
		}
	})
	return nil
}

// own is a request on its way.
type own struct {
	agent  *Agent
	set    *Settings
	msg    *sip.Message
	hop    sip.URI
	local  bool
	socket uint16
	trace  *job.Trace
}

func (o *own) located(hops []resolve.Hop) {
	err := errNowhere
	for _, hop := range hops {
		if err = o.sendTo(hop); err == nil {
			o.agent.sent.Add(1)
			return
		}
	}
	o.agent.end(err)
}

func (o *own) sendTo(hop resolve.Hop) error {
	a, m := o.agent, o.msg
	l, via := a.cfg.Way.Egress(nil, o.socket, hop)
	if l == transport.AnyListener {
		return errNowhere
	}
	c, via, err := a.cfg.Layer.Branch(via, nil)
	if err != nil {
		return err
	}
	m.SetValue(m.First(sip.Via), via)
	b := m.AppendTo(nil)
	to := transport.Target{Transport: hop.Transport, Listener: l, Remote: hop.Addr, Name: hop.Name}
	err = a.cfg.Layer.Send(c, m.Method(), to, b, transaction.Options{Word: Word})
	if err == nil {
		a.cfg.Way.Sent(o.trace, to, b)
	}
	return err
}

// Response takes what the layer says of a client transaction of Word.
func (a *Agent) Response(m *sip.Message, err error) {
	if m == nil {
		a.end(err)
		return
	}
	a.cfg.Log.LogAttrs(context.Background(), slog.LevelDebug, "response to a request of our own",
		slog.String("method", m.Method().String()), slog.Int("status", m.Status()))
	if m.Status() >= 200 {
		a.answered.Add(1)
		a.live.Add(-1)
	}
}

// end is that of a request without an answer.
func (a *Agent) end(err error) {
	a.failed.Add(1)
	a.live.Add(-1)
	a.cfg.Log.LogAttrs(context.Background(), slog.LevelDebug, "a request of our own failed",
		slog.Any("error", err))
}
