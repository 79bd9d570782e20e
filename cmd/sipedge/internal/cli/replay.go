package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/router/replay"
	"sipedge/schema"
	"sipedge/sip/recording"
)

// replayAll runs recordings through two policies.
func replayAll(s System, files []string, docs [2]*schema.Document, flags *diffFlags) error {
	files, err := recording.Files(files)
	if err != nil {
		return unreachable(err)
	}
	report := replay.Report{All: flags.all}
	progress := newProgress(s)
	report.Counts, err = replay.Run(&replay.Config{
		Old: docs[0], New: docs[1], Files: files, Progress: progress.show,
		Differs: report.Add,
		Trouble: func(t replay.Trouble) {
			report.Trouble = append(report.Trouble, t)
			if flags.output == "text" {
				progress.clear()
				fmt.Fprintln(s.Stderr, "sipedge diff:", t)
			}
		},
	})
	progress.clear()
	if err != nil {
		return exit.With(exit.Problems, err)
	}
	write := report.WriteText
	if flags.output == "json" {
		write = report.WriteJSON
	}
	if err := write(s.Stdout); err != nil {
		return unreachable(err)
	}
	switch c := report.Counts; {
	case c.Requests == 0 && c.Unreadable == 0:
		return unreachable(fmt.Errorf("no request to replay in %s", strings.Join(files, ", ")))
	case c.Unreadable > 0:
		return exit.With(exit.Unreachable, nil)
	case c.Differ > 0:
		return exit.With(exit.Problems, nil)
	}
	return nil
}

// progress tells somebody at a terminal how far a long replay is.
type progress struct {
	w     io.Writer // nil: nobody looks
	next  time.Time
	shown bool
}

const redrawEvery = 200 * time.Millisecond

func newProgress(s System) *progress {
	p := &progress{next: time.Now().Add(5 * redrawEvery)}
	if terminal(s.Stderr) {
		p.w = s.Stderr
	}
	return p
}

func (p *progress) show(c *replay.Counts) {
	if p.w == nil || time.Now().Before(p.next) {
		return
	}
	p.next, p.shown = time.Now().Add(redrawEvery), true
	fmt.Fprintf(p.w, "\r%d requests replayed, %d differ", c.Requests, c.Differ)
}

// clear takes the line away.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
