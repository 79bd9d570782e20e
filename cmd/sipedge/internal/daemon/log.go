package daemon

import (
	"io"
	"log/slog"

	"sipedge/schema"
)

func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// level reads a level the schema let through; info unless set.
func level(name string) (l slog.Level) {
	if err := l.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo
	}
	return l
}

func diagnosticAttrs(g schema.Diagnostic) []any {
	attrs := []any{
		"file", g.Pos.File, "line", g.Pos.Line, "column", g.Pos.Col,
		"code", g.Code.String(), "problem", g.Message,
	}
	if g.Hint != "" {
		attrs = append(attrs, "hint", g.Hint)
	}
	return attrs
}
