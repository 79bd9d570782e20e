package control

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"sipedge/cmd/sipedge/internal/jsonrpc"
)

// answerCalls carries out a body of JSON-RPC.
func (s *Server) answerCalls(w http.ResponseWriter, r *http.Request) (any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if answer := jsonrpc.Answer(r.Context(), body, s.call); answer != nil {
		return json.RawMessage(answer), nil
	}
	w.WriteHeader(http.StatusNoContent)
	return nil, nil
}

// inside asks a handler of this process, without a connection. An answer is in memory whole.
type inside struct{ http.Handler }

// RoundTrip is http.RoundTripper's.
func (i inside) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			answer, err = nil, io.ErrUnexpectedEOF
		default:
			panic(p)
		}
	}()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := &written{header: http.Header{}, status: http.StatusOK}
	i.ServeHTTP(w, r)
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Header: w.header,
		Body: io.NopCloser(&w.body), Request: r,
	}, nil
}

// written is what a handler writes.
type written struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *written) Header() http.Header         { return w.header }
func (w *written) WriteHeader(status int)      { w.status = status }
func (w *written) Write(b []byte) (int, error) { return w.body.Write(b) }
