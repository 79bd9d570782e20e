package uac

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

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

// Word is the transaction word of requests that Send sends; those of Ask have words of Owns.
const Word = 0

// Owns reports whether a transaction word is of a request of our own: no handle has generation 0.
func Owns(word uint64) bool { return word>>32 == 0 }

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
	Way Way
	Log *slog.Logger
}

// Agent sends. It is safe for concurrent use.
type Agent struct {
	cfg   Config
	layer *transaction.Layer
	live  atomic.Int64

	mu    sync.Mutex
	asked map[uint64]*own // by word
	last  uint32          // word

	sent, answered, failed, refused atomic.Uint64
}

func New(cfg Config) *Agent { return &Agent{cfg: cfg, asked: map[uint64]*own{}} }

// SetLayer names the transaction layer. It is called once, before the first request.
func (a *Agent) SetLayer(l *transaction.Layer) { a.layer = l }

// Stats are counters since the start; Live is now.
type Stats struct {
	Sent     uint64
	Answered uint64 // by a final response
	Failed   uint64 // that could not be sent, or had no final response
	Refused  uint64 // by the bound on those without an answer
	Live     int64  // without an answer
}

func (a *Agent) Stats() Stats {
	a.mu.Lock()
	asked := len(a.asked)
	a.mu.Unlock()
	return Stats{
		Sent: a.sent.Load(), Answered: a.answered.Load(), Failed: a.failed.Load(),
		Refused: a.refused.Load(), Live: a.live.Load() + int64(asked),
	}
}

// Waiting is how many requests of Send have no answer yet.
func (a *Agent) Waiting() int64 { return a.live.Load() }

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
			a.end(Word, o.to(), errNowhere)
		}
	})
	return nil
}

// Answer gets the status of the final response to a request, or with 0 why there is none.
type Answer func(status int, err error)

// Ask sends a request at once, past the local route and the bound on those without an answer: its
// caller has no more than a few, none for longer than wait. then is called once, on any goroutine,
// with the final response, or with why there is none: ErrBusy before it was tried. It keeps nothing
// of r.
func (a *Agent) Ask(s *Settings, r *Request, wait time.Duration, then Answer) {
	o := &own{agent: a, set: s, msg: new(sip.Message), local: r.HopLocal, then: then, wait: wait,
		socket: transport.AnyListener}
	err := o.msg.Parse(appendRequest(nil, s, r))
	if err == nil {
		o.hop, err = sip.ParseURI(append([]byte(nil), r.URI...))
	}
	if err != nil {
		then(0, err)
		return
	}
	a.mu.Lock()
	if a.last++; a.last == Word {
		a.last++
	}
	o.word = uint64(a.last)
	a.asked[o.word] = o
	a.mu.Unlock()
	if !a.cfg.Way.Locate(&o.hop, o.local, o.located) {
		a.end(o.word, o.to(), ErrBusy)
	}
}

// over notes that the request of a word has no more to come, and tells who asked.
func (a *Agent) over(word uint64, status int, err error) {
	if word == Word {
		a.live.Add(-1)
		return
	}
	a.mu.Lock()
	o := a.asked[word]
	delete(a.asked, word)
	a.mu.Unlock()
	if o != nil {
		o.then(status, err)
	}
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

	word uint64        // Word: of Send
	wait time.Duration // of Ask
	then Answer        // of Ask
}

func (o *own) located(hops []resolve.Hop) {
	err := errNowhere
	for _, hop := range hops {
		if err = o.sendTo(hop); err == nil {
			o.agent.sent.Add(1)
			return
		}
	}
	o.agent.end(o.word, o.to(), err)
}

// to is the next hop, for the log.
func (o *own) to() string { return string(o.hop.AppendTo(nil)) }

func (o *own) sendTo(hop resolve.Hop) error {
	a, m := o.agent, o.msg
	l, via := a.cfg.Way.Egress(nil, o.socket, hop)
	if l == transport.AnyListener {
		return errNowhere
	}
	c, via, err := a.layer.Branch(via, nil)
	if err != nil {
		return err
	}
	m.SetValue(m.First(sip.Via), via)
	b := m.AppendTo(nil)
	to := transport.Target{Transport: hop.Transport, Listener: l, Remote: hop.Addr, Name: hop.Name}
	err = a.layer.Send(c, m, to, b, transaction.Options{
		Word: o.word, FinalWait: o.wait, Aside: true, // Waiting has it, if it counts
	})
	if err == nil {
		a.cfg.Way.Sent(o.trace, to, b)
	}
	return err
}

// Response takes what the layer says of a client transaction of a word that is ours.
func (a *Agent) Response(word uint64, f transport.Flow, m *sip.Message, err error) {
	if m == nil {
		a.end(word, f.Remote.String(), err)
		return
	}
	a.cfg.Log.LogAttrs(context.Background(), slog.LevelDebug, "response to a request of our own",
		slog.String("method", m.Method().String()), slog.Int("status", m.Status()))
	if m.Status() < 200 {
		return
	}
	a.answered.Add(1)
	a.over(word, m.Status(), nil)
}

// end is that of a request without an answer, to a next hop or an address.
func (a *Agent) end(word uint64, to string, err error) {
	a.failed.Add(1)
	a.cfg.Log.LogAttrs(context.Background(), slog.LevelDebug, "a request of our own failed",
		slog.String("to", to), slog.Any("error", err))
	a.over(word, 0, err)
}
