package transporttest

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"testing"

	"sipedge/sip/transport"
)

// streams are the promises of transports with connections.
func (s *suite) streams(t *testing.T) {
	t.Run("order", s.order)
	t.Run("answers stay on their connection", s.sameConnection)
	t.Run("a stranger's connection is not borrowed", s.noBorrowing)
	t.Run("refused", s.refused)
	t.Run("the end is told once to both", s.ends)
	t.Run("a dead connection", s.deadConnection)
}

func (s *suite) order(t *testing.T) {
	w, rb := s.world(t), &Recorder{}
	na, _, to := s.pair(t, w, v4, &Recorder{}, rb)
	const count = 300
	for i := range count {
		must(t, na.Send(to, Text(i, 0), 0))
	}
	w.Until(t, "all messages", func() bool { return len(rb.Messages()) == count })
	for i, m := range rb.Messages() {
		if !bytes.Equal(m.Data, Text(i, 0)) {
			t.Fatalf("message %d is %q", i, m.Data)
		}
		if m.Flow != rb.Messages()[0].Flow {
			t.Fatalf("message %d on flow %+v, the first on %+v", i, m.Flow, rb.Messages()[0].Flow)
		}
	}
}

func (s *suite) sameConnection(t *testing.T) {
	w, ra, rb := s.world(t), &Recorder{}, &Recorder{}
	na, nb, to := s.pair(t, w, v4, ra, rb)
	must(t, na.Send(to, Text(0, 0), 0))
	w.Until(t, "the message", func() bool { return len(rb.Messages()) == 1 })
	back := rb.Messages()[0].Flow.Target()
	back.Listener = transport.AnyListener // the connection is enough
	for i := range 3 {
		must(t, nb.Send(back, Text(i, 0), 0))
	}
	w.Until(t, "the answers", func() bool { return len(ra.Messages()) == 3 })
	// what we opened is also found by where it leads, and by its identity
	must(t, na.Send(to, Text(1, 0), 0))
	must(t, na.Send(ra.Messages()[0].Flow.Target(), Text(2, 0), 0))
	w.Until(t, "further messages", func() bool { return len(rb.Messages()) == 3 })
	for _, m := range rb.Messages() {
		if m.Flow != rb.Messages()[0].Flow {
			t.Errorf("a second connection: %+v and %+v", m.Flow, rb.Messages()[0].Flow)
		}
	}
}

// A connection that was opened to us carries answers; a request for its address must not
// take it, or whoever binds a source port gets that address's calls. RFC 5923 §9.
func (s *suite) noBorrowing(t *testing.T) {
	w, ra, rb := s.world(t), &Recorder{}, &Recorder{}
	na, nb, to := s.pair(t, w, v4, ra, rb)
	must(t, na.Send(to, Text(0, 0), 0))
	w.Until(t, "the message", func() bool { return len(rb.Messages()) == 1 })
	stranger := rb.Messages()[0].Flow.Target()
	stranger.Conn = 0
	must(t, nb.Send(stranger, Text(1, 0), 5))
	w.Until(t, "the refusal", func() bool { return len(rb.Failures()) == 1 })
	if len(ra.Messages()) != 0 {
		t.Error("the message took the accepted connection")
	}
	stranger.Accepted = true // unless the sender says so
	must(t, nb.Send(stranger, Text(2, 0), 0))
	w.Until(t, "the message back", func() bool { return len(ra.Messages()) == 1 })
	na.Stop()
	w.Until(t, "the end", func() bool { return len(rb.Ends()) == 1 })
	must(t, nb.Send(stranger, Text(3, 0), 6))
	w.Until(t, "a refusal", func() bool { return len(rb.Failures()) == 2 })
}

func (s *suite) refused(t *testing.T) {
	w, ra := s.world(t), &Recorder{}
	na, nb, to := s.pairTo(t, w, s.kept(t), ra, &Recorder{})
	nb.Stop()
	for ref := range uint64(4) { // the first asks for no report
		must(t, na.Send(to, Text(0, 0), ref))
	}
	w.Until(t, "three failures", func() bool { return len(ra.Failures()) == 3 })
	failures := slices.SortedFunc(slices.Values(ra.Failures()), func(a, b Failure) int {
		return cmp.Compare(a.Ref, b.Ref) // each dial tells of its own
	})
	for i, f := range failures {
		if f.Ref != uint64(i+1) || f.Err == nil || f.Flow.Remote != to.Remote {
			t.Errorf("failure %d: %+v", i, f)
		}
	}
	must(t, na.Send(to, Text(0, 0), 9)) // it is tried anew
	w.Until(t, "a fourth failure", func() bool { return len(ra.Failures()) == 4 })
	if len(ra.Ends()) != 0 {
		t.Errorf("Closed for what was never open: %v", ra.Ends())
	}
}

func (s *suite) ends(t *testing.T) {
	w, ra, rb := s.world(t), &Recorder{}, &Recorder{}
	na, nb, to := s.pair(t, w, v4, ra, rb)
	must(t, na.Send(to, Text(0, 0), 0))
	w.Until(t, "the message", func() bool { return len(rb.Messages()) == 1 })
	nb.Stop()
	w.Until(t, "the ends", func() bool { return len(ra.Ends()) == 1 && len(rb.Ends()) == 1 })
	if rb.Ends()[0] != rb.Messages()[0].Flow {
		t.Errorf("closed %+v, was %+v", rb.Ends()[0], rb.Messages()[0].Flow)
	}
	na.Stop()
	if len(ra.Ends()) != 1 || len(rb.Ends()) != 1 || len(ra.Failures()) != 0 {
		t.Errorf("ends %v and %v, failures %v", ra.Ends(), rb.Ends(), ra.Failures())
	}
}

func (s *suite) deadConnection(t *testing.T) {
	w, ra, rb := s.world(t), &Recorder{}, &Recorder{}
	na, nb, to := s.pairTo(t, w, s.kept(t), ra, rb)
	rb.Answer(echo(t, nb))
	must(t, na.Send(to, Text(0, 0), 0))
	w.Until(t, "the answer", func() bool { return len(ra.Messages()) == 1 })
	old := ra.Messages()[0].Flow
	nb.Stop()
	w.Until(t, "the end", func() bool { return len(ra.Ends()) == 1 })

	strict := old.Target()
	strict.NoDial = true
	if err := na.Send(strict, Text(1, 0), 1); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("NoDial: %v, want ErrClosed", err)
	}
	again := w.Open(t, transport.Listener{Transport: s.tr, Addr: to.Remote})
	defer again.Stop()
	rc := &Recorder{}
	rc.Answer(echo(t, again))
	again.Start(rc)
	must(t, na.Send(old.Target(), Text(2, 0), 2))
	w.Until(t, "the answer on a new connection", func() bool { return len(ra.Messages()) == 2 })
	if now := ra.Messages()[1].Flow; now.Conn == old.Conn || now.Remote != old.Remote {
		t.Errorf("flow %+v, was %+v", now, old)
	}
}
