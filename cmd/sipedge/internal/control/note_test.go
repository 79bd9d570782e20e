package control

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sipedge/cmd/sipedge/internal/ctlsocket"
	"sipedge/cmd/sipedge/internal/jsonrpc"
)

// What an operator has done is logged with who he is, what he gave and what came of it, also when
// he asks by JSON-RPC. Questions are not.
func TestNotes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ctl.sock")
	l, err := ctlsocket.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s, over := NewServer(Config{
		Log:   slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})),
		Level: new(slog.LevelVar),
		Stop:  func(context.Context) (*Drain, error) { return nil, refuse(409, "not now") },
		RPC: func(self *Client) jsonrpc.Caller {
			return func(ctx context.Context, _ string, _ jsonrpc.Params) (any, error) {
				return "OK", self.Do(ctx, "set_log_level", nil, &LogLevel{"error"}, new(LogLevel))
			}
		},
	}), make(chan bool)
	go func() { s.Serve(l); close(over) }()
	c, long := NewClient(path), strings.Repeat("é", 1000)
	for _, q := range []struct {
		id    string
		query url.Values
		in    any
	}{
		{"log_level", nil, nil},
		{"set_log_level", nil, &LogLevel{"debug"}},
		{"set_log_level", nil, &LogLevel{long}},
		{"stop", nil, nil},
		{"rpc", nil, jsonrpc.Request{Version: "2.0", ID: 1, Method: "log_level"}},
		{"set_gateway", url.Values{"sett": {"x"}}, GatewayMode{Mode: "drained"}},
	} {
		var answer any
		_ = c.Do(t.Context(), q.id, q.query, q.in, &answer)
	}
	s.Close()
	<-over
	want := []map[string]any{
		{"operation": "set_log_level", "body": map[string]any{"level": "debug"}},
		{"operation": "set_log_level",
			"body":  map[string]any{"level": strings.Repeat("é", notedText/2) + "…"},
			"error": cut(`level is debug, info, warn or error, not "` + long)},
		{"operation": "stop", "error": "not now"},
		{"operation": "set_log_level", "body": map[string]any{"level": "error"}},
		{"operation": "set_gateway", "error": `parameter "sett" is one too many`},
	}
	for _, w := range want {
		w["level"], w["msg"] = "INFO", "control"
		if runtime.GOOS == "linux" {
			w["uid"], w["pid"] = float64(os.Getuid()), float64(os.Getpid())
		}
	}
	var got []map[string]any
	for line := range strings.Lines(log.String()) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		delete(e, "time")
		got = append(got, e)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}
