package transaction

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/sip"
	"sipedge/sip/siphash"
	"sipedge/sip/slab"
	"sipedge/sip/transport"
)

// RFC 3261 §17.1.1.1 and table 4.
const (
	defaultT1 = 500 * time.Millisecond
	defaultT2 = 4 * time.Second
	defaultT4 = 5 * time.Second
	minimumD  = 32 * time.Second
)

const (
	defaultMax = 1_000_000
	largestMax = 1 << 28
)

// Layer holds all transactions. All methods are safe for concurrent use. It
// starts no goroutine: time comes in by Advance.
type Layer struct {
	cfg    Config
	secret siphash.Key
	seed   maphash.Seed // of hashes that stay here
	epoch  time.Time    // tick 0

	t1, t2, t4, t64, d int64 // ticks: T1, T2, T4, 64·T1, timer D

	live      atomic.Int64
	turn      atomic.Uint32 // shard of the next client transaction
	next      atomic.Int64  // tick the owner knows of
	advancing atomic.Int32  // Advance is running and will return next

	packer *transport.Packer
	works  sync.Pool
	shard  [slab.Shards]shard
}

// A shard is a part of the transactions under one lock. No call takes a
// second lock, sends or calls the User while it holds it.
type shard struct {
	mu    sync.Mutex
	slots slab.Slots[slot]
	bufs  slab.Buffers
	wheel wheel
	table table
	gen   uint32
	index uint32
	stats Stats
	_     [64]byte // neighbours' locks keep off each other's cache line
}

// New returns a Layer; tick 0 of its wheels is cfg.Clock's now.
func New(cfg Config) *Layer {
	if cfg.Max <= 0 {
		cfg.Max = defaultMax
	}
	cfg.Max = min(cfg.Max, largestMax)
	l := &Layer{cfg: cfg, secret: siphash.NewKey(cfg.Secret[:]), epoch: cfg.Clock()}
	l.seed = maphash.MakeSeed()
	l.packer = transport.NewPacker(cfg.Sender.Listeners)
	t1 := orDefault(cfg.Timers.T1, defaultT1)
	l.t1 = toTicks(t1)
	l.t2 = toTicks(orDefault(cfg.Timers.T2, defaultT2))
	l.t4 = toTicks(orDefault(cfg.Timers.T4, defaultT4))
	l.t64 = toTicks(64 * t1)
	l.d = toTicks(max(64*t1, minimumD))
	l.next.Store(never)
	l.works.New = func() any { return new(work) }
	for i := range l.shard {
		sh := &l.shard[i]
		sh.index = uint32(i)
		sh.slots.Init()
		sh.bufs.Init()
		sh.wheel.slots = &sh.slots
	}
	return l
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

// toTicks rounds up, so that nothing fires early.
func toTicks(d time.Duration) int64 {
	return int64((d + resolution - 1) / resolution)
}

// now is the first tick not in the past.
func (l *Layer) now() int64 { return l.tick(l.cfg.Clock()) }

func (l *Layer) tick(at time.Time) int64 { return toTicks(at.Sub(l.epoch)) }

// Stats sums over the shards.
func (l *Layer) Stats() Stats {
	var sum Stats
	for i := range l.shard {
		sh := &l.shard[i]
		sh.mu.Lock()
		s := sh.stats
		sh.mu.Unlock()
		sum.Servers += s.Servers
		sum.Clients += s.Clients
		sum.LiveServers += s.LiveServers
		sum.LiveClients += s.LiveClients
		sum.Unanswered += s.Unanswered
		sum.Retransmissions += s.Retransmissions
		sum.Absorbed += s.Absorbed
		sum.Timeouts += s.Timeouts
		sum.Failed += s.Failed
	}
	return sum
}

// admit counts one more transaction unless there are Max.
func (l *Layer) admit() bool {
	if l.live.Add(1) > int64(l.cfg.Max) {
		l.live.Add(-1)
		return false
	}
	return true
}

// lock locks the shard of h and returns its slot, nil if it is gone.
func (l *Layer) lock(h uint64) (sh *shard, i uint32, s *slot) {
	gen, n, i := slab.SplitHandle(h)
	sh = &l.shard[n]
	sh.mu.Lock()
	if gen != 0 && sh.slots.Has(i) {
		if s = sh.slots.At(i); s.gen == gen {
			return sh, i, s
		}
	}
	return sh, 0, nil
}

// create makes a slot in st; the caller was admitted.
func (sh *shard) create(st state) (h uint64, i uint32, s *slot) {
	if sh.gen++; sh.gen == 0 {
		sh.gen = 1
	}
	i, s = sh.slots.Take()
	*s = slot{gen: sh.gen, state: st, resend: never, end: never}
	if st.server() {
		sh.stats.Servers++
		sh.stats.LiveServers++
	} else {
		sh.stats.Clients++
		sh.stats.LiveClients++
	}
	sh.stats.Unanswered++
	return slab.Handle(sh.gen, sh.index, i), i, s
}

// answered brings s to a state in which no final response is to come.
func (sh *shard) answered(s *slot, to state) {
	if s.counts() {
		sh.stats.Unanswered--
	}
	s.state = to
}

// remove ends a transaction: its handle is stale from here on.
func (l *Layer) remove(sh *shard, w *work, i uint32, s *slot) {
	if s.counts() {
		sh.stats.Unanswered--
	}
	sh.wheel.disarm(i)
	sh.bufs.Free(&s.msg)
	sh.bufs.Free(&s.aux)
	if s.state.server() {
		sh.stats.LiveServers--
		sh.table.remove(&sh.slots, i)
		w.todo = append(w.todo, action{do: tellEnded, h: sh.handle(i, s), word: s.word})
	} else {
		sh.stats.LiveClients--
	}
	sh.slots.Free(i)
	l.live.Add(-1)
}

func (sh *shard) handle(i uint32, s *slot) uint64 { return slab.Handle(s.gen, sh.index, i) }

// rearm brings the wheel in line with the slot's deadlines.
func (sh *shard) rearm(w *work, i uint32, s *slot, now int64) {
	due := min(s.resend, s.end)
	if due == never {
		sh.wheel.disarm(i)
		return
	}
	sh.wheel.arm(i, due, now)
	w.wake = min(w.wake, due)
}

// A work is what one call collects while it holds a lock, to be done after.
type work struct {
	key  []byte
	out  []byte // what todo sends
	todo []action
	msg  sip.Message // index over a kept message
	wake int64       // earliest deadline armed
}

type action struct {
	do       verb
	off, end int              // send: in work.out
	to       transport.Packed // tellError: where the request went
	h        uint64           // send: the reference, 0: none
	word     uint64
	err      error
	mark     uint32 // tellError
	method   sip.Method
}

type verb uint8

const (
	send      verb = iota
	tellError      // User.Response without a response
	tellEnded
)

const maxIdleWork = 256 << 10 // bytes a work may keep between calls

func (l *Layer) work() *work {
	w := l.works.Get().(*work)
	w.wake = never
	return w
}

// send collects the sending of a kept message.
func (w *work) send(sh *shard, s *slot, p slab.Piece, ref uint64) {
	off := len(w.out)
	w.out = append(w.out, sh.bufs.Bytes(p)...)
	w.todo = append(w.todo, action{do: send, off: off, end: len(w.out), to: s.to, h: ref})
}

// run does what was collected, with no lock held.
func (l *Layer) run(w *work) {
	if w.wake != never {
		l.armed(w.wake)
		w.wake = never
	}
	for i := range w.todo {
		a := &w.todo[i]
		switch a.do {
		case send:
			if err := l.cfg.Sender.Send(l.packer.Unpack(&a.to), w.out[a.off:a.end], a.h); err != nil {
				l.failed(a.h, err)
			}
		case tellError:
			l.watched(a.mark, a.method, nil, a.err)
			to := l.packer.Unpack(&a.to)
			f := transport.Flow{
				Transport: to.Transport, Listener: to.Listener, Conn: to.Conn, Remote: to.Remote,
			}
			l.cfg.User.Response(Client{a.h}, a.word, f, nil, a.err)
		case tellEnded:
			l.cfg.User.Ended(Server{a.h}, a.word)
		}
	}
	clear(w.todo)
	w.todo, w.out = w.todo[:0], w.out[:0]
}

// finish runs what is left and gives w back.
func (l *Layer) finish(w *work) {
	l.run(w)
	if cap(w.out) <= maxIdleWork {
		l.works.Put(w)
	}
}
