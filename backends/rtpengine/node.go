package rtpengine

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/backends"
)

// A command, rtpengine's docs/ng_control_protocol.md:
//
//  1. It gets a cookie, by which its answer is known: "COOKIE {…}", a datagram. One that is too
//     large for a datagram is refused: no node can take it.
//  2. It is sent, and again each quarter of its time: the node does it once, whatever comes.
//  3. read hands the answer to who waits for it. Who has given up is not there.

const (
	maxCommand = 65507 // bytes: what a datagram of IPv4 carries
	maxAnswer  = 64 << 10
	tries      = 4 // of a command within its time
)

// errSilent: a node did not answer.
var errSilent = fmt.Errorf("%w: no answer", backends.ErrUnavailable)

// node is one rtpengine.
type node struct {
	addr    netip.AddrPort // no IPv4 address is written as one of IPv6
	address string         // addr in text
	weight  int
	socket  *net.UDPConn // connected to nobody: an address without a route may have one later
	prefix  string       // of cookies
	cookie  atomic.Uint64
	ended   chan struct{}

	disabled atomic.Bool
	down     atomic.Bool   // it did not answer pings
	doubt    atomic.Bool   // it did not answer a command, and no ping since
	doubted  chan struct{} // has watch ping it at once

	calls, errors, timeouts, pings, lost atomic.Uint64

	mu      sync.Mutex // guards what follows
	waiting map[string]chan answer
}

// answer is what a node says.
type answer struct {
	Result string `json:"result"`
	Reason string `json:"error-reason"`
	SDP    string `json:"sdp"`
}

// newNode makes a node, which is to be closed, and which read and watch serve.
func newNode(addr netip.AddrPort, weight int) (*node, error) {
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	addr = plain(addr)
	return &node{
		addr: addr, address: addr.String(), weight: weight, socket: socket,
		prefix: rand.Text()[:10] + "_", ended: make(chan struct{}),
		doubted: make(chan struct{}, 1), waiting: map[string]chan answer{},
	}, nil
}

// plain is an address in the one way it is compared.
func plain(addr netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// close ends read and watch.
func (n *node) close() {
	close(n.ended)
	_ = n.socket.Close()
}

// read hands answers to who waits for them, until the node is closed.
func (n *node) read() {
	for buf := make([]byte, maxAnswer); ; {
		size, from, err := n.socket.ReadFromUDPAddrPort(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // it comes of what was sent, and pings find out
			select {
			case <-n.ended:
				return
			case <-time.After(time.Millisecond):
			}
			continue
		case plain(from) != n.addr:
			continue
		}
		cookie, text, _ := bytes.Cut(buf[:size], []byte(" "))
		n.mu.Lock()
		c := n.waiting[string(cookie)]
		delete(n.waiting, string(cookie))
		n.mu.Unlock()
		var a answer
		if c != nil && json.Unmarshal(text, &a) == nil {
			c <- a
		}
	}
}

// post sends a command whose answer nobody waits for.
func (n *node) post(c *command) {
	if text, err := n.text(n.next(), c); err == nil {
		n.send(text)
	}
}

// send sends a datagram. One that can't be sent is lost, as on the wire.
func (n *node) send(text []byte) { _, _ = n.socket.WriteToUDPAddrPort(text, n.addr) }

func (n *node) next() string {
	return n.prefix + strconv.FormatUint(n.cookie.Add(1), 36)
}

// text is a command as it is sent. ErrRefused: it is too large.
func (n *node) text(cookie string, c *command) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(cookie + " ")
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // which takes six bytes for one
	if err := e.Encode(c); err != nil {
		return nil, fmt.Errorf("write a command: %w", err)
	}
	b.Truncate(b.Len() - 1) // a line feed
	if b.Len() > maxCommand {
		return nil, fmt.Errorf("%w: a command of %d bytes is too large", backends.ErrRefused, b.Len())
	}
	return b.Bytes(), nil
}

// ask sends a command and waits for its answer. errSilent: there was none in time. ErrRefused: it
// can't be sent.
func (n *node) ask(ctx context.Context, c *command, timeout time.Duration) (answer, error) {
	cookie, got := n.next(), make(chan answer, 1)
	text, err := n.text(cookie, c)
	if err != nil {
		return answer{}, err
	}
	n.mu.Lock()
	n.waiting[cookie] = got
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		delete(n.waiting, cookie)
		n.mu.Unlock()
	}()
	again := time.NewTicker(max(timeout/tries, time.Millisecond))
	defer again.Stop()
	for range tries {
		n.send(text)
		select {
		case a := <-got:
			return a, nil
		case <-ctx.Done():
			return answer{}, fmt.Errorf("%w: %w", backends.ErrUnavailable, ctx.Err())
		case <-n.ended:
			return answer{}, errSilent
		case <-again.C:
		}
	}
	return answer{}, errSilent
}

// doubts has the node pinged at once, and spared until it answers: it left a command unanswered.
// Whether it is down pings decide, for what it does not answer may be the fault of the command.
func (n *node) doubts() {
	n.doubt.Store(true)
	select {
	case n.doubted <- struct{}{}:
	default:
	}
}

// spared reports whether the node is to get no offer.
func (n *node) spared() bool { return n.down.Load() || n.doubt.Load() }

// health is how the nodes are watched.
type health struct {
	every time.Duration
	lost  int // pings that may be
}

// watch pings the node until it is closed, and calls told when it has changed from up to down or
// back.
func (n *node) watch(h health, told func()) {
	beat := time.NewTicker(h.every)
	defer beat.Stop()
	for lost := 0; ; {
		n.pings.Add(1)
		a, err := n.ask(context.Background(), &command{Command: "ping"}, h.every)
		was := n.down.Load()
		if err == nil && a.Result == "pong" {
			lost = 0
			n.down.Store(false)
			n.doubt.Store(false)
		} else if n.lost.Add(1); lost >= h.lost {
			n.down.Store(true)
		} else {
			lost++
		}
		if n.down.Load() != was {
			told()
		}
		select {
		case <-n.ended:
			return
		case <-n.doubted:
		case <-beat.C:
		}
	}
}
