package ws

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"sipedge/sip/transport"
	"sipedge/sip/transport/stream"
)

// framing takes the messages of a client apart, RFC 6455 §5.
type framing struct {
	in    bytes.Reader
	state ws.State
	text  bool   // the message under way is of text
	parts []byte // of a message in several frames
}

func newFraming() stream.Framing { return &framing{state: ws.StateServerSide} }

// Next implements stream.Framing.
func (f *framing) Next(buf []byte, limit int) (stream.Frame, error) {
	f.in.Reset(buf)
	h, err := ws.ReadHeader(&f.in)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return stream.Frame{}, nil
	case err != nil:
		return fail(ws.CompiledCloseProtocolError, err)
	}
	if err := ws.CheckHeader(h, f.state); err != nil {
		return fail(ws.CompiledCloseProtocolError, err)
	}
	if !h.OpCode.IsControl() && h.Length > int64(limit-len(f.parts)) {
		return fail(ws.CompiledCloseMessageTooBig, transport.ErrTooLarge)
	}
	start := len(buf) - f.in.Len()
	if int64(f.in.Len()) < h.Length {
		return stream.Frame{}, nil
	}
	end := start + int(h.Length)
	payload := buf[start:end:end]
	ws.Cipher(payload, h.Mask, 0)
	if h.OpCode.IsControl() {
		return f.control(&h, payload, end)
	}
	return f.data(&h, payload, end)
}

// fail ends a connection with a close frame.
func fail(answer []byte, err error) (stream.Frame, error) {
	return stream.Frame{Answer: answer}, fmt.Errorf("websocket: %w", err)
}

func (f *framing) control(h *ws.Header, payload []byte, size int) (stream.Frame, error) {
	frame := stream.Frame{Size: size, Begun: f.state.Fragmented()}
	switch h.OpCode {
	case ws.OpPing:
		frame.KeepAlive = true
		frame.Answer = appendFrame(nil, ws.OpPong, payload)
	case ws.OpClose:
		code, reason := ws.ParseCloseFrameData(payload)
		if code.Empty() && len(payload) == 0 {
			frame.Answer = ws.CompiledClose
			return frame, io.EOF
		}
		if err := ws.CheckCloseFrameData(code, reason); err != nil {
			return fail(ws.CompiledCloseProtocolError, err)
		}
		frame.Answer = appendFrame(nil, ws.OpClose, payload[:2])
		return frame, io.EOF
	}
	return frame, nil
}

var errText = errors.New("text that is not UTF-8")

func (f *framing) data(h *ws.Header, payload []byte, size int) (stream.Frame, error) {
	if h.OpCode != ws.OpContinuation {
		f.text = h.OpCode == ws.OpText
	}
	if !h.Fin {
		f.state = f.state.Set(ws.StateFragmented)
		f.parts = append(f.parts, payload...)
		return stream.Frame{Size: size, Begun: true}, nil
	}
	if f.state.Fragmented() {
		payload = append(f.parts, payload...)
		f.state, f.parts = f.state.Clear(ws.StateFragmented), nil
	}
	if f.text && !utf8.Valid(payload) {
		return fail(ws.CompiledCloseInvalidFramePayloadData, errText)
	}
	return message(payload, size), nil
}

var (
	blank = []byte("\r\n")
	ping  = []byte("\r\n\r\n")
)

// message is the frame of a whole message, which may be a keep-alive of RFC 5626 §3.5.1.
func message(payload []byte, size int) stream.Frame {
	frame := stream.Frame{Size: size}
	switch {
	case len(payload) == 0, bytes.Equal(payload, blank):
	case bytes.Equal(payload, ping):
		frame.KeepAlive, frame.Answer = true, appendMessage(nil, blank)
	default:
		frame.Message = payload
	}
	return frame
}

// appendMessage appends a message as we send it: of text, unless it is none, RFC 7118 §5.2.
func appendMessage(dst, message []byte) []byte {
	if utf8.Valid(message) {
		return appendFrame(dst, ws.OpText, message)
	}
	return appendFrame(dst, ws.OpBinary, message)
}

func appendFrame(dst []byte, op ws.OpCode, payload []byte) []byte {
	out := bytes.NewBuffer(dst)
	_ = ws.WriteFrame(out, ws.NewFrame(op, true, payload)) // a buffer takes everything
	return out.Bytes()
}
