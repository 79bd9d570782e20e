package ws

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// TestPings: a client that is silent is pinged; who answers stays, who does not is gone.
func TestPings(t *testing.T) {
	const lost = 4
	u := &transporttest.Recorder{}
	m := server(t, transport.Limits{}, &transport.WebSocket{
		Ping: 250 * time.Millisecond, Lost: lost,
	}, u)
	answers, mute := connect(t, m), connect(t, m)
	stays := make(chan error, 1)
	go func() {
		for range lost + 3 { // more than one who is mute gets
			f, err := readFrame(answers)
			if err == nil && f.Header.OpCode != ws.OpPing {
				err = errors.New("no ping")
			}
			if err == nil {
				err = ws.WriteFrame(answers, ws.MaskFrameInPlace(ws.NewPongFrame(f.Payload)))
			}
			if err != nil {
				stays <- err
				return
			}
		}
		stays <- nil
	}()
	for i := 0; ; i++ {
		f, err := readFrame(mute)
		if errors.Is(err, io.EOF) {
			if i != lost {
				t.Errorf("the mute client got %d pings, want %d", i, lost)
			}
			break
		}
		if err != nil || f.Header.OpCode != ws.OpPing {
			t.Fatalf("frame %v, error %v, want a ping", f.Header, err)
		}
	}
	if err := <-stays; err != nil {
		t.Errorf("the client that answers: %v", err)
	}
	transporttest.Eventually(t, "the end of the mute client", func() bool {
		return m.Stats()[0].Ended[transport.EndedSilent].Load() == 1 && m.Stats()[0].Open.Load() == 1
	})
	if n := m.Stats()[0].Pings.Load(); n < 2*lost {
		t.Errorf("%d pings, want at least %d", n, 2*lost)
	}
}

// TestNoPings: who says something by himself is not pinged.
func TestNoPings(t *testing.T) {
	u := &transporttest.Recorder{}
	m := server(t, transport.Limits{}, &transport.WebSocket{Ping: 3 * time.Second, Lost: 1}, u)
	nc := connect(t, m)
	for range 10 {
		f := ws.MaskFrameInPlace(ws.NewTextFrame([]byte("\r\n\r\n")))
		if err := ws.WriteFrame(nc, f); err != nil {
			t.Fatal(err)
		}
		if f := replied(t, nc); f.Header.OpCode != ws.OpText {
			t.Fatalf("frame %v, want the answer to a keep-alive", f.Header)
		}
		time.Sleep(300 * time.Millisecond)
	}
	if n := m.Stats()[0].Pings.Load(); n != 0 {
		t.Errorf("%d pings, want none", n)
	}
}
