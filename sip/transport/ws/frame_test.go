package ws

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// masked are frames as a client writes them.
func masked(frames ...ws.Frame) []byte {
	var b bytes.Buffer
	for _, f := range frames {
		_ = ws.WriteFrame(&b, ws.MaskFrame(f))
	}
	return b.Bytes()
}

// replied is the next frame of the server.
func replied(t *testing.T, nc net.Conn) ws.Frame {
	t.Helper()
	f, err := readFrame(nc)
	if err != nil {
		t.Fatalf("no frame: %v", err)
	}
	return f
}

func TestMessages(t *testing.T) {
	u := &transporttest.Recorder{}
	m := server(t, transport.Limits{}, nil, u)
	nc := connect(t, m)
	text := transporttest.Text(1, 500)
	want := [][]byte{text, text, text, text}
	in := masked(
		ws.NewTextFrame(text),
		ws.NewBinaryFrame(text),
		ws.NewFrame(ws.OpText, false, text[:100]),
		ws.NewPingFrame([]byte("alive?")), // between the parts of a message
		ws.NewFrame(ws.OpContinuation, false, nil),
		ws.NewFrame(ws.OpContinuation, true, text[100:]),
		ws.NewTextFrame([]byte("\r\n")),
		ws.NewTextFrame(nil),
		ws.NewPongFrame(nil),
		ws.NewTextFrame([]byte("\r\n\r\n")),
		ws.NewTextFrame(text),
	)
	for i := range in { // however it arrives
		if _, err := nc.Write(in[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
	transporttest.Eventually(t, "the messages", func() bool { return len(u.Messages()) == len(want) })
	for i, got := range u.Messages() {
		if !bytes.Equal(got.Data, want[i]) {
			t.Errorf("message %d is %q", i, got.Data)
		}
	}
	if f := replied(t, nc); f.Header.OpCode != ws.OpPong || string(f.Payload) != "alive?" {
		t.Errorf("frame %v %q, want a pong", f.Header, f.Payload)
	}
	if f := replied(t, nc); f.Header.OpCode != ws.OpText || string(f.Payload) != "\r\n" {
		t.Errorf("frame %v %q, want an empty line", f.Header, f.Payload)
	}
	if n := m.Stats()[0].KeepAlives.Load(); n != 2 {
		t.Errorf("%d keep-alives, want 2", n)
	}
}

// A message without Content-Length ends where its WebSocket message does, RFC 7118 §5.1; one that
// is not of UTF-8 leaves as binary, §5.2.
func TestWhatIsSent(t *testing.T) {
	u := &transporttest.Recorder{}
	m := server(t, transport.Limits{}, nil, u)
	u.Answer(func(f transport.Flow, b []byte) {
		if err := m.Send(f.Target(), b, 0); err != nil {
			t.Error(err)
		}
	})
	nc := connect(t, m)
	for _, c := range []struct {
		text string
		op   ws.OpCode
	}{
		{"OPTIONS sip:a SIP/2.0\r\n\r\nbody", ws.OpText},
		{"OPTIONS sip:a SIP/2.0\r\n\r\nüber", ws.OpText},
		{"OPTIONS sip:a SIP/2.0\r\n\r\n\xff", ws.OpBinary},
		{"OPTIONS sip:a SIP/2.0\r\n\r\n" + strings.Repeat("x", 60000), ws.OpText},
	} {
		if _, err := nc.Write(masked(ws.NewBinaryFrame([]byte(c.text)))); err != nil {
			t.Fatal(err)
		}
		f := replied(t, nc)
		if f.Header.OpCode != c.op || f.Header.Masked || string(f.Payload) != c.text {
			t.Errorf("%.40q came back as %v %.40q", c.text, f.Header, f.Payload)
		}
	}
}

func TestEnds(t *testing.T) {
	long := transporttest.Text(1, 3000)
	for _, c := range []struct {
		name string
		in   []byte
		why  transport.Reason
		code ws.StatusCode
	}{
		{"closed", masked(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusGoingAway, "bye"))),
			transport.EndedByPeer, ws.StatusGoingAway},
		{"closed without a word", masked(ws.NewCloseFrame(nil)), transport.EndedByPeer, 0},
		{"closed with half a code", masked(ws.NewCloseFrame([]byte("x"))), transport.EndedFraming,
			ws.StatusProtocolError},
		{"not masked", ws.MustCompileFrame(ws.NewTextFrame(long[:100])), transport.EndedFraming,
			ws.StatusProtocolError},
		{"an extension nobody asked for",
			masked(ws.Frame{Header: ws.Header{Fin: true, Rsv: 4, OpCode: ws.OpText}}),
			transport.EndedFraming, ws.StatusProtocolError},
		{"a continuation of nothing", masked(ws.NewFrame(ws.OpContinuation, true, nil)),
			transport.EndedFraming, ws.StatusProtocolError},
		{"text that is none", masked(ws.NewTextFrame([]byte("\xff"))), transport.EndedFraming,
			ws.StatusInvalidFramePayloadData},
		{"too large", masked(ws.NewTextFrame(long)), transport.EndedOversized,
			ws.StatusMessageTooBig},
		{"too large in parts", masked(ws.NewFrame(ws.OpText, false, long[:1500]),
			ws.NewFrame(ws.OpContinuation, false, long[:1500])), transport.EndedOversized,
			ws.StatusMessageTooBig},
		{"a length nobody has", []byte("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff0000"),
			transport.EndedFraming, ws.StatusProtocolError},
		{"a length nobody has room for", []byte("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff0000"),
			transport.EndedOversized, ws.StatusMessageTooBig},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := &transporttest.Recorder{}
			m := server(t, transport.Limits{Message: 2000}, nil, u)
			nc := connect(t, m)
			if _, err := nc.Write(c.in); err != nil {
				t.Fatal(err)
			}
			f := replied(t, nc)
			if code, _ := ws.ParseCloseFrameData(f.Payload); f.Header.OpCode != ws.OpClose ||
				code != c.code {
				t.Errorf("frame %v, code %d, want a close frame of %d", f.Header, code, c.code)
			}
			if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("after the close frame: %v", err)
			}
			nc.Close()
			st := m.Stats()[0]
			transporttest.Eventually(t, "the end", func() bool { return len(u.Ends()) == 1 })
			if n := st.Ended[c.why].Load(); n != 1 {
				t.Errorf("%d ended by %s, want 1", n, c.why)
			}
			if len(u.Messages()) != 0 {
				t.Errorf("%d messages", len(u.Messages()))
			}
		})
	}
}

// A message in parts has as long as any to arrive, though each part is whole.
func TestSlowParts(t *testing.T) {
	m := server(t, transport.Limits{Arrival: 300 * time.Millisecond}, nil, &transporttest.Recorder{})
	nc := connect(t, m)
	part := masked(ws.NewFrame(ws.OpText, false, []byte("x")))
	st := m.Stats()[0]
	transporttest.Eventually(t, "the end", func() bool {
		_, _ = nc.Write(part)
		part = masked(ws.NewFrame(ws.OpContinuation, false, nil))
		time.Sleep(20 * time.Millisecond)
		return st.Ended[transport.EndedSlow].Load() == 1
	})
}

// We open none.
func TestNothingIsDialled(t *testing.T) {
	u := &transporttest.Recorder{}
	m := server(t, transport.Limits{}, nil, u)
	to := transport.Target{
		Transport: sip.WS, Listener: transport.AnyListener, Remote: m.Listeners()[0].Addr,
	}
	if err := m.Send(to, transporttest.Text(1, 0), 7); err != nil {
		t.Fatal(err)
	}
	transporttest.Eventually(t, "the failure", func() bool { return len(u.Failures()) == 1 })
	if f := u.Failures()[0]; f.Ref != 7 || !errors.Is(f.Err, errNoServer) {
		t.Errorf("failure %+v", f)
	}
}

// How the bytes are cut changes nothing, and nothing is made up.
func FuzzFrames(f *testing.F) {
	f.Add(masked(ws.NewTextFrame(transporttest.Text(1, 0)), ws.NewPingFrame(nil)), uint8(3))
	f.Add(masked(ws.NewFrame(ws.OpText, false, []byte("a")),
		ws.NewFrame(ws.OpContinuation, true, []byte("b"))), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		whole, wholeErr := take(bytes.Clone(b), len(b)+1)
		cut, cutErr := take(bytes.Clone(b), int(step)+1)
		if (wholeErr == nil) != (cutErr == nil) {
			t.Errorf("at once %v, in pieces %v", wholeErr, cutErr)
		}
		if strings.Join(whole, "|") != strings.Join(cut, "|") {
			t.Errorf("at once %q, in pieces %q", whole, cut)
		}
	})
}

// take are the messages of b, of which step bytes more are seen each time.
func take(b []byte, step int) (messages []string, err error) {
	f := newFraming()
	for seen := 0; ; {
		seen = min(seen+step, len(b))
		for {
			frame, err := f.Next(b[:seen:seen], 500)
			if err != nil {
				return messages, err
			}
			if frame.Size == 0 {
				break
			}
			if frame.Message != nil {
				messages = append(messages, string(frame.Message))
			}
			b, seen = b[frame.Size:], seen-frame.Size
		}
		if seen == len(b) {
			return messages, nil
		}
	}
}
