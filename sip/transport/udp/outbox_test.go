package udp

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"sipedge/sip/transport"
)

// paper is a Conn that keeps what is written; bad are texts it refuses.
type paper struct {
	flaky
	batches [][]string
	bad     []string
	size    int // datagrams a call takes at most; 0: all
}

func (p *paper) WriteBatch(ds []Datagram) (int, error) {
	if p.size > 0 {
		ds = ds[:min(len(ds), p.size)]
	}
	var texts []string
	for _, d := range ds {
		text := string(d.Buf[:d.N])
		if slices.Contains(p.bad, text) {
			p.batches = append(p.batches, texts)
			return len(texts), syscall.EPERM
		}
		texts = append(texts, text)
	}
	p.batches = append(p.batches, texts)
	return len(ds), nil
}

func newPaper() (*outbox, *paper, func(text string, ref uint64) error) {
	p := &paper{}
	o := newOutbox(&transport.Env{Stats: new(transport.Stats)}, p)
	to := transport.Target{Remote: netip.MustParseAddrPort("192.0.2.1:5060")}
	b := make([]byte, 0, 1<<17) // the caller's buffer: used again at once
	return o, p, func(text string, ref uint64) error {
		b = append(b[:0], text...)
		err := o.send(&to, b, ref)
		clear(b)
		return err
	}
}

func TestABatchLeavesTogether(t *testing.T) {
	o, p, send := newPaper()
	check := func(want ...[]string) {
		t.Helper()
		if !slices.EqualFunc(p.batches, want, slices.Equal) {
			t.Fatalf("wrote %q, want %q", p.batches, want)
		}
		p.batches = nil
	}
	_ = send("alone", 1)
	check([]string{"alone"})
	o.hold()
	_ = send("first", 1)
	_ = send("second", 2)
	check()
	o.release()
	check([]string{"first", "second"})
	_ = send("alone again", 1)
	check([]string{"alone again"})
	if n := o.env.Stats.MessagesOut.Load(); n != 4 {
		t.Errorf("%d counted, want 4", n)
	}
}

func TestWhatDoesNotLeaveIsTold(t *testing.T) {
	o, p, send := newPaper()
	p.bad = []string{"two", "three"}
	if err := send("two", 9); !errors.Is(err, syscall.EPERM) {
		t.Errorf("alone: %v, want EPERM", err)
	}
	o.hold()
	for i, text := range []string{"one", "two", "three", "four"} {
		if err := send(text, uint64(i+1)); err != nil {
			t.Errorf("held: %v", err)
		}
	}
	_ = send("two", 0) // nobody asks
	o.release()
	var refs []uint64
	for _, f := range o.takeFailed() {
		refs = append(refs, f.ref)
	}
	if !slices.Equal(refs, []uint64{2, 3}) {
		t.Errorf("would tell of %v, want 2 and 3", refs)
	}
	if n := o.env.Stats.SendErrors.Load(); n != 4 {
		t.Errorf("%d send errors counted, want 4", n)
	}
	if got := slices.Concat(p.batches...); !slices.Equal(got, []string{"one", "four"}) {
		t.Errorf("left: %q", got)
	}
}

// refused is a user that waits for what did not leave.
type refused struct {
	transport.User
	refs chan uint64
}

func (r refused) Failed(_ transport.Flow, ref uint64, _ error) { r.refs <- ref }

func TestTellerTells(t *testing.T) {
	o, p, send := newPaper()
	p.closed, p.bad = make(chan struct{}), []string{"two"}
	u := refused{refs: make(chan uint64)}
	ended := make(chan struct{})
	go func() {
		o.tell(u)
		close(ended)
	}()
	o.hold()
	_ = send("two", 7)
	o.release()
	if ref := <-u.refs; ref != 7 {
		t.Errorf("told of %d, want 7", ref)
	}
	if err := o.stop(); err != nil {
		t.Fatal(err)
	}
	<-ended
}

func TestAFullOutboxIsEmptied(t *testing.T) {
	o, p, send := newPaper()
	p.size = 5
	var want []string
	o.hold()
	for i := range 3 * maxHeld {
		text := strings.Repeat("x", i*100)
		if i%20 == 0 {
			text = strings.Repeat("y", maxDatagram)
		}
		want = append(want, text)
		_ = send(text, 0)
		if len(o.next.ds) > maxHeld || len(o.next.buf) > max(maxHeldBytes, len(text)) {
			t.Fatalf("holds %d datagrams of %d bytes", len(o.next.ds), len(o.next.buf))
		}
	}
	o.release()
	if got := slices.Concat(p.batches...); !slices.Equal(got, want) {
		t.Errorf("%d datagrams left, or others than the %d sent", len(got), len(want))
	}
}

func TestNothingLeavesAfterStop(t *testing.T) {
	o, _, send := newPaper()
	o.conn.(*paper).closed = make(chan struct{})
	if err := o.stop(); err != nil {
		t.Fatal(err)
	}
	if err := send("late", 1); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
}
