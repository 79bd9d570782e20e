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
//  1. It gets a cookie, by which its answer is known: "COOKIE {…}", a datagram.
//  2. It is sent, and again each quarter of its time: the node does it once, whatever comes.
//  3. read hands the answer to who waits for it. Who has given up is not there.

const (
	maxAnswer = 64 << 10
	tries     = 4 // of a command within its time
)

// errSilent: a node did not answer.
var errSilent = fmt.Errorf("%w: no answer", backends.ErrUnavailable)

// node is one rtpengine.
type node struct {
	address string
	weight  int
	socket  net.Conn // nil: it could not be made
	prefix  string   // of cookies
	cookie  atomic.Uint64
	ended   chan struct{}

	disabled atomic.Bool
	down     atomic.Bool // it did not answer

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

func newNode(addr netip.AddrPort, weight int) *node {
	n := &node{
		address: addr.String(), weight: weight, prefix: rand.Text()[:10] + "_",
		ended: make(chan struct{}), waiting: map[string]chan answer{},
	}
	socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil { // no route to it
		n.down.Store(true)
		return n
	}
	n.socket = socket
	return n
}

// close ends read and watch.
func (n *node) close() {
	close(n.ended)
	if n.socket != nil {
		_ = n.socket.Close()
	}
}

// read hands answers to who waits for them, until the node is closed.
func (n *node) read() {
	if n.socket == nil {
		return
	}
	for buf := make([]byte, maxAnswer); ; {
		size, err := n.socket.Read(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // nobody is there, says ICMP: pings find out
			select {
			case <-n.ended:
				return
			case <-time.After(time.Millisecond):
			}
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
	if n.socket != nil {
		_, _ = n.socket.Write(n.text(n.next(), c)) // lost as on the wire
	}
}

func (n *node) next() string {
	return n.prefix + strconv.FormatUint(n.cookie.Add(1), 36)
}

func (n *node) text(cookie string, c *command) []byte {
	b, _ := json.Marshal(c) // it has nothing that can't be written
	return append([]byte(cookie+" "), b...)
}

// ask sends a command and waits for its answer. errSilent: there was none in time.
func (n *node) ask(ctx context.Context, c *command, timeout time.Duration) (answer, error) {
	if n.socket == nil {
		return answer{}, errSilent
	}
	cookie, got := n.next(), make(chan answer, 1)
	n.mu.Lock()
	n.waiting[cookie] = got
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		delete(n.waiting, cookie)
		n.mu.Unlock()
	}()
	text := n.text(cookie, c)
	again := time.NewTicker(max(timeout/tries, time.Millisecond))
	defer again.Stop()
	for range tries {
		_, _ = n.socket.Write(text) // an error is of an earlier one
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
		case <-beat.C:
		}
	}
}
