package tcp

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// reached is a connection to m and the Target of messages to it.
func reached(t *testing.T, m *transport.Manager, u *transporttest.Recorder) (
	net.Conn, transport.Target,
) {
	t.Helper()
	c := dial(t, m)
	if _, err := c.Write(transporttest.Text(0, 0)); err != nil {
		t.Fatal(err)
	}
	transporttest.Eventually(t, "its message", func() bool { return len(u.Messages()) == 1 })
	tg := u.Messages()[0].Flow.Target()
	tg.NoDial = true
	return c, tg
}

// A peer that reads late gets everything in order, and what is sent to it afterwards, too: the
// deadline of what waited is over by then.
func TestPeerThatReadsLate(t *testing.T) {
	const (
		wait       = 3 * time.Second
		many, size = 300, 50000 // twice what a kernel may take
	)
	u := &transporttest.Recorder{}
	m := manager(t, transport.Limits{Write: wait, Queue: 2 * many * size}, u)
	c, tg := reached(t, m, u)
	want := make([]byte, many*size)
	for i := range want {
		want[i] = byte(i / size)
	}
	got, read := make([]byte, len(want)), make(chan error, 1)
	for i := range many {
		if i == many*4/5 {
			go func() {
				_, err := io.ReadFull(c, got)
				read <- err
			}()
		}
		if err := m.Send(tg, want[i*size:][:size], 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-read; err != nil {
		t.Fatalf("read: %v", err)
	}
	if !bytes.Equal(got, want) {
		t.Error("what came is not what was sent")
	}
	time.Sleep(wait + wait/10)
	last := transporttest.Text(1, 0)
	if err := m.Send(tg, last, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, got[:len(last)]); err != nil {
		t.Fatalf("read behind the deadline: %v", err)
	}
	if f := u.Failures(); len(f) > 0 {
		t.Errorf("%d failed, the first: %v", len(f), f[0].Err)
	}
	transporttest.Eventually(t, "all counted", func() bool {
		return m.Stats()[0].MessagesOut.Load() == many+1
	})
}

// Who resets its connection while messages to it wait gets none; each fails.
func TestResetWhileMessagesWait(t *testing.T) {
	u := &transporttest.Recorder{}
	m := manager(t, transport.Limits{Queue: 64 << 20}, u)
	c, tg := reached(t, m, u)
	refs := uint64(0)
	for range 200 {
		refs++
		if err := m.Send(tg, make([]byte, 50000), refs); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	c.Close()
	transporttest.Eventually(t, "the end", func() bool { return len(u.Ends()) == 1 })
	st, failures := m.Stats()[0], u.Failures()
	if n := uint64(len(failures)); n == 0 || n != st.Unsent.Load() ||
		n+st.MessagesOut.Load() != refs {
		t.Errorf("%d failures, %d unsent, %d out of %d",
			n, st.Unsent.Load(), st.MessagesOut.Load(), refs)
	}
	if err := m.Send(tg, transporttest.Text(2, 0), 9); err == nil {
		t.Error("the connection still takes messages")
	}
}

// The time in which who connects has to begin does not bound what he is sent later.
func TestAnswerBehindTheBeginning(t *testing.T) {
	const begin = 200 * time.Millisecond
	u := &transporttest.Recorder{}
	m := manager(t, transport.Limits{Arrival: begin}, u)
	c, tg := reached(t, m, u)
	time.Sleep(2 * begin)
	want := transporttest.Text(1, 0)
	if err := m.Send(tg, want, 1); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
}
