package transporttest

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"sipedge/sip/transport"
)

// World is the network of one test.
type World interface {
	// Open binds a node. It fails the test when it can't.
	Open(t *testing.T, ls ...transport.Listener) Node
	// Until lets things happen until done reports true; it fails the test when that takes too long.
	Until(t *testing.T, what string, done func() bool)
}

// Node is a Sender with its life.
type Node interface {
	transport.Sender
	Start(u transport.User)
	Stop() // closes everything; no call of the User comes after it
}

// Sockets is the World of a Manager with these drivers.
type Sockets struct {
	Drivers transport.Drivers
	Limits  transport.Limits
	Workers int // 0: 1
	// Credentials of every listener.
	Credentials transport.Credentials
}

type managed struct {
	*transport.Manager
	t *testing.T
}

func (m managed) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := m.Close(ctx); err != nil {
		m.t.Errorf("close: %v", err)
	}
}

// Open implements World.
func (s Sockets) Open(t *testing.T, ls ...transport.Listener) Node {
	t.Helper()
	for i := range ls {
		ls[i].Credentials = s.Credentials
	}
	m, err := transport.NewManager(transport.Config{
		Listeners: ls, Limits: s.Limits, Workers: max(s.Workers, 1),
	}, s.Drivers)
	if err != nil {
		t.Fatal(err)
	}
	return managed{m, t}
}

// Until implements World.
func (s Sockets) Until(t *testing.T, what string, done func() bool) {
	t.Helper()
	Eventually(t, what, done)
}

// Eventually waits in real time.
func Eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// Recorder is a User that keeps what it hears.
type Recorder struct {
	mu       sync.Mutex
	answer   func(f transport.Flow, b []byte)
	messages []Message
	failed   []Failure
	closed   []transport.Flow
}

// Message is one call of Receive.
type Message struct {
	Flow transport.Flow
	Data []byte
}

// Failure is one call of Failed.
type Failure struct {
	Flow transport.Flow
	Ref  uint64
	Err  error
}

// Answer sets what Receive calls, too.
func (r *Recorder) Answer(f func(f transport.Flow, b []byte)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// Receive implements transport.User.
func (r *Recorder) Receive(f transport.Flow, b []byte) {
	r.mu.Lock()
	r.messages = append(r.messages, Message{f, bytes.Clone(b)})
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		answer(f, b)
	}
}

// Failed implements transport.User.
func (r *Recorder) Failed(f transport.Flow, ref uint64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, Failure{f, ref, err})
}

// Closed implements transport.User.
func (r *Recorder) Closed(f transport.Flow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = append(r.closed, f)
}

// Messages are what came so far.
func (r *Recorder) Messages() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.messages[:len(r.messages):len(r.messages)]
}

// Failures are what did not leave so far.
func (r *Recorder) Failures() []Failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed[:len(r.failed):len(r.failed)]
}

// Ends are the connections that ended so far.
func (r *Recorder) Ends() []transport.Flow {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed[:len(r.closed):len(r.closed)]
}
