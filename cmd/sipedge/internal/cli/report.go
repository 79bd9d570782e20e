package cli

import (
	"fmt"
	"io"
	"os"
	"regexp"

	"sipedge/schema"
)

// report writes diagnostics for a person.
func report(s System, diags schema.Diagnostics, src schema.Source) {
	reportText(s, diags.Text(src))
}

// reportText writes the text of diagnostics.
func reportText(s System, text string) {
	if colourful(s) {
		text = heading.ReplaceAllStringFunc(text, paint)
	}
	fmt.Fprint(s.Stderr, text)
}

// colourful says whether errors go to a terminal whose owner does not mind colours
// (https://no-color.org).
func colourful(s System) bool {
	plain, _ := s.Env("NO_COLOR")
	kind, _ := s.Env("TERM")
	return plain == "" && kind != "dumb" && terminal(s.Stderr)
}

// terminal says whether what is written there is read by a person at once.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

var heading = regexp.MustCompile(`(?m)^\S+:\d+:\d+: (error|warning) SE\d{4}: .*$`)

func paint(line string) string {
	const bold, red, yellow, plain = "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
	colour := red
	if heading.FindStringSubmatch(line)[1] == "warning" {
		colour = yellow
	}
	return severity.ReplaceAllString(line, colour+"$0"+plain+bold) + plain
}

var severity = regexp.MustCompile(`(error|warning) SE\d{4}`)
