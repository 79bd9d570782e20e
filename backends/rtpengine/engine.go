package rtpengine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/backends"
)

// Engine is the nodes of one backend. It is safe for concurrent use.
type Engine struct {
	timeout time.Duration
	nodes   []*node
	calls   *calls
	log     *slog.Logger
	told    atomic.Pointer[func(backends.MediaNode)] // nil: nobody is
	running sync.WaitGroup
}

var _ backends.MediaNodes = (*Engine)(nil)

// Ping asks the nodes for a sign of life; one is enough.
func (e *Engine) Ping(ctx context.Context) (err error) {
	for _, n := range e.nodes {
		if _, err = n.ask(ctx, &command{Command: "ping"}, e.timeout); err == nil {
			return nil
		}
		err = fmt.Errorf("node %s: %w", n.address, err)
	}
	return err
}

// Close ends the sockets, and returns when nobody reads any more.
func (e *Engine) Close() error {
	for _, n := range e.nodes {
		n.close()
	}
	e.running.Wait()
	return nil
}

// Offer implements backends.Media. A call that goes on stays with its node while that answers;
// then, as a new one, it goes to the first that does. One that is in doubt is asked for answers
// alone, which no other can give.
func (e *Engine) Offer(ctx context.Context, c *backends.Call) ([]byte, error) {
	list := e.order(c.CallID)
	if n := e.calls.get(c.CallID).node; n != nil {
		list = slices.Insert(slices.DeleteFunc(list, func(o *node) bool { return o == n }), 0, n)
	}
	err := fmt.Errorf("%w: no node answers", backends.ErrUnavailable)
	for i, n := range list {
		if n.spared() || n.disabled.Load() && (i > 0 || e.calls.get(c.CallID).node != n) {
			continue
		}
		var sdp []byte
		if sdp, err = e.do(ctx, n, "offer", c); err == nil {
			n.calls.Add(1)
			e.calls.set(c.CallID, call{node: n, late: e.calls.get(c.CallID).late})
			return sdp, nil
		}
		if !errors.Is(err, errSilent) {
			return nil, err
		}
	}
	return nil, err
}

// Answer implements backends.Media.
func (e *Engine) Answer(ctx context.Context, c *backends.Call) ([]byte, error) {
	n := e.calls.get(c.CallID).node
	if n == nil { // from before a restart
		n = e.order(c.CallID)[0]
	}
	if n.down.Load() {
		return nil, fmt.Errorf("%w: node %s is down", backends.ErrUnavailable, n.address)
	}
	return e.do(ctx, n, "answer", c)
}

// do has a node do a command. A node that is silent is in doubt from then on.
func (e *Engine) do(
	ctx context.Context, n *node, name string, c *backends.Call,
) ([]byte, error) {
	a, err := n.ask(ctx, commandOf(name, c), e.timeout)
	switch {
	case err != nil:
		if errors.Is(err, errSilent) {
			n.timeouts.Add(1)
			n.doubts()
		}
		return nil, fmt.Errorf("%s: node %s: %w", name, n.address, err)
	case a.Result != "ok":
		n.errors.Add(1)
		return nil, fmt.Errorf("%s: node %s: %w: %s", name, n.address, backends.ErrRefused, a.Reason)
	}
	return []byte(a.SDP), nil
}

// Delete implements backends.Media. A call that is not known is deleted wherever it may be.
func (e *Engine) Delete(callID, fromTag []byte) {
	c := &command{Command: "delete", CallID: string(callID), FromTag: string(fromTag)}
	known := e.calls.get(callID)
	e.calls.drop(callID)
	for _, n := range e.nodes {
		if n == known.node || known.node == nil {
			n.post(c)
		}
	}
}

// Late implements backends.Media.
func (e *Engine) Late(callID []byte, is bool) {
	if c := e.calls.get(callID); c.late != is {
		c.late = is
		e.calls.set(callID, c)
	}
}

// IsLate implements backends.Media.
func (e *Engine) IsLate(callID []byte) bool { return e.calls.get(callID).late }

// Knows implements backends.Media.
func (e *Engine) Knows(callID []byte) bool { return e.calls.get(callID).node != nil }

// order is the nodes in the order in which a call tries them, the same for every server: by
// rendezvous hashing with weights, so that what a node has goes to all others when it is away, and
// nothing else moves.
func (e *Engine) order(callID []byte) []*node {
	type scored struct {
		*node
		score float64
	}
	list := make([]scored, len(e.nodes))
	for i, n := range e.nodes {
		h := fnv.New64a()
		_, _ = h.Write(bytes.Join([][]byte{[]byte(n.address), callID}, []byte{0}))
		u := (float64(mix(h.Sum64())>>11) + 0.5) / (1 << 53)
		list[i] = scored{n, -float64(n.weight) / math.Log(u)}
	}
	slices.SortFunc(list, func(a, b scored) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	nodes := make([]*node, len(list))
	for i := range list {
		nodes[i] = list[i].node
	}
	return nodes
}

// mix spreads the bits of a hash, of which FNV's last bytes change few (MurmurHash3).
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Nodes implements backends.MediaNodes.
func (e *Engine) Nodes() []backends.MediaNode {
	list := make([]backends.MediaNode, len(e.nodes))
	for i, n := range e.nodes {
		list[i] = n.status()
	}
	return list
}

func (n *node) status() backends.MediaNode {
	return backends.MediaNode{
		Address: n.address, Weight: n.weight, Enabled: !n.disabled.Load(), Up: !n.down.Load(),
		Calls: n.calls.Load(), Errors: n.errors.Load(), Timeouts: n.timeouts.Load(),
		Pings: n.pings.Load(), Lost: n.lost.Load(),
	}
}

// WatchNodes implements backends.MediaNodes.
func (e *Engine) WatchNodes(f func(backends.MediaNode)) { e.told.Store(&f) }

// tell tells that a node went down or came back.
func (e *Engine) tell(backend string, n *node) {
	level := slog.LevelInfo
	if n.down.Load() {
		level = slog.LevelWarn
	}
	if e.log != nil {
		e.log.Log(context.Background(), level, "media node", "backend", backend, "node", n.address,
			"up", !n.down.Load())
	}
	e.changed(n)
}

func (e *Engine) changed(n *node) {
	if f := e.told.Load(); f != nil {
		(*f)(n.status())
	}
}

// Enable implements backends.MediaNodes. The address may be written in any way.
func (e *Engine) Enable(address string, enabled bool) bool {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return false
	}
	n := e.find(addr)
	if n != nil && n.disabled.Swap(!enabled) == enabled {
		e.changed(n)
	}
	return n != nil
}

// find is the node of an address; nil: there is none.
func (e *Engine) find(addr netip.AddrPort) *node {
	for _, n := range e.nodes {
		if n.addr == plain(addr) {
			return n
		}
	}
	return nil
}
