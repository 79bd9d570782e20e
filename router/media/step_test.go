package media

import (
	"context"
	"testing"

	"sipedge/backends"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// A call that comes by again, as from an application server it was sent to, is one call to the
// media relay: that its second leg fails does not end the media of the first.
func TestSpiralKeepsMedia(t *testing.T) {
	media := new(backends.StubMedia)
	s := &relay{media: media}
	run := func(via string) *job.Job {
		t.Helper()
		j := job.Get()
		t.Cleanup(func() { job.Put(j) })
		m := new(sip.Message)
		if err := m.Parse([]byte("INVITE sip:bob@example.org SIP/2.0\r\n" + via +
			"From: <sip:alice@example.org>;tag=1\r\nTo: <sip:bob@example.org>\r\nCall-ID: 1\r\n" +
			"CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n" +
			"Content-Length: 5\r\n\r\nv=0\r\n")); err != nil {
			t.Fatal(err)
		}
		j.Place, j.Msg, j.MayWait = schema.InRequest, m, true
		if v, err := s.Run(context.Background(), j); v != job.Next || err != nil {
			t.Fatal(v, err)
		}
		return j
	}
	const alice, server = "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa\r\n",
		"Via: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bKb\r\n"
	first, again := run(alice), run(server+alice)
	if first.Undo == nil || again.Undo != nil {
		t.Errorf("to be undone: %v, then %v; want the first alone", first.Undo, again.Undo)
	}
	first.Undo.Undo(first.Msg)
	if media.Knows([]byte("1")) {
		t.Error("the call goes on")
	}
}
