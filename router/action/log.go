package action

import (
	"context"
	"log/slog"
	"strings"

	"sipedge/router/job"
	"sipedge/schema"
)

var logKind = Kind{
	Kind: schema.Kind{
		Name: "log",
		Doc: "Writes a line to the log. Control characters are escaped, and header fields that " +
			"carry credentials cannot be named.",
		Schema: `{
	// info unless set.
	level?: "debug" | "info" | "warn" | "error"
	// What is written.
	message!: #Text
}`,
		Where: schema.Anywhere,
	},
	New: build(func(d *decoder) job.Step {
		s := &logLine{log: d.Log}
		s.level = levels[d.args.Get("level").S]
		v := d.args.Get("message")
		s.message, _ = d.text(v)
		for _, name := range secrets {
			if strings.Contains(strings.ToLower(v.S), "headers."+name) {
				d.errorf(v, schema.ReservedField, "credentials are never written to the log")
				break
			}
		}
		return s
	}),
}

var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "": slog.LevelInfo, "info": slog.LevelInfo,
	"warn": slog.LevelWarn, "error": slog.LevelError,
}

// secrets are the header fields that carry credentials, in lower case.
var secrets = []string{"authorization", "proxy-authorization"}

type logLine struct {
	log     *slog.Logger
	level   slog.Level
	message text
}

func (s *logLine) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	if s.log == nil || !s.log.Enabled(ctx, s.level) {
		return job.Next, nil
	}
	b := scratches.Get().(*scratch)
	b.b = appendEscaped(b.b[:0], s.message.expand(j))
	s.log.LogAttrs(ctx, s.level, "policy", slog.String("text", string(b.b)))
	scratches.Put(b)
	return job.Next, nil
}

// appendEscaped appends b with control characters as \xHH.
func appendEscaped(dst, b []byte) []byte {
	const hex = "0123456789abcdef"
	for _, c := range b {
		if c < ' ' || c == 0x7f {
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}
