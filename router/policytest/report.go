package policytest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// Tally counts results.
func Tally(results []Result) (passed, failed int) {
	for i := range results {
		if results[i].OK() {
			passed++
		} else {
			failed++
		}
	}
	return passed, failed
}

// WriteText tells a person which cases failed, with what was wanted, what came
// and the trace, and counts those of each file.
func WriteText(w io.Writer, results []Result) error {
	p := writer{w: w}
	for from := 0; from < len(results); {
		f := results[from].File
		to := from
		for to < len(results) && results[to].File == f {
			if r := &results[to]; !r.OK() {
				p.line("FAIL %s:%d: %s", f.Path, r.Case.Pos.Line, r.Case.Name)
				p.text(r.explanation(), "  ")
			}
			to++
		}
		passed, failed := Tally(results[from:to])
		if failed > 0 {
			p.line("%s: %d passed, %d failed", f.Path, passed, failed)
		} else {
			p.line("%s: %d passed", f.Path, passed)
		}
		from = to
	}
	return p.err
}

// explanation is why a case failed.
func (r *Result) explanation() string {
	var b strings.Builder
	p := writer{w: &b}
	if r.Error != "" {
		p.line("%s", r.Error)
	}
	for _, f := range r.Failed {
		p.line("%s: want %s", f.What, f.Want)
		p.line("%*s got %s", len(f.What)+4, "", f.Got)
	}
	if len(r.Scene.Trace.Events) > 0 {
		p.line("what happened:")
		var trace strings.Builder
		_ = r.Scene.Trace.WriteText(&trace, false) // a Builder takes all
		p.text(trace.String(), "  ")
	} else if r.Scene.Request != "" {
		p.line("no rule saw the request")
	} else if r.Case.Run != (Run{}) {
		p.line("nothing ran")
	}
	return b.String()
}

// WriteTAP writes the results as the Test Anything Protocol, version 13.
func WriteTAP(w io.Writer, results []Result) error {
	p := writer{w: w}
	p.line("TAP version 13")
	p.line("1..%d", len(results))
	for i := range results {
		r := &results[i]
		name := strings.ReplaceAll(r.File.Path+": "+r.Case.Name, "#", "\\#")
		if r.OK() {
			p.line("ok %d - %s", i+1, name)
			continue
		}
		p.line("not ok %d - %s", i+1, name)
		p.text(r.explanation(), "# ")
	}
	return p.err
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",cdata"`
}

// WriteJUnit writes the results as the XML of JUnit, a suite a file.
func WriteJUnit(w io.Writer, results []Result) error {
	var all struct {
		XMLName xml.Name      `xml:"testsuites"`
		Suites  []*junitSuite `xml:"testsuite"`
	}
	var suite *junitSuite
	for i := range results {
		r := &results[i]
		if suite == nil || suite.Name != r.File.Path {
			suite = &junitSuite{Name: r.File.Path}
			all.Suites = append(all.Suites, suite)
		}
		c := junitCase{Name: r.Case.Name, Class: r.File.Path,
			Time: fmt.Sprintf("%.6f", r.Took.Seconds())}
		suite.Tests++
		if !r.OK() {
			suite.Failures++
			message := r.Error
			if len(r.Failed) > 0 {
				f := r.Failed[0]
				message = fmt.Sprintf("%s: want %s, got %s", f.What, f.Want, f.Got)
			}
			first, _, _ := strings.Cut(message, "\n")
			c.Failure = &junitFailure{first, r.explanation()}
		}
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// WriteJSON writes {"tests": […], "coverage": […]}; of a case that failed with
// its trace.
func WriteJSON(w io.Writer, results []Result, cover []Coverage) error {
	type test struct {
		File     string    `json:"file"`
		Line     int       `json:"line"`
		Name     string    `json:"name"`
		OK       bool      `json:"ok"`
		Failures []Failure `json:"failures,omitempty"`
		Error    string    `json:"error,omitempty"`
		Path     []string  `json:"path"`
		Trace    any       `json:"trace,omitempty"`
	}
	out := struct {
		Tests    []test     `json:"tests"`
		Coverage []Coverage `json:"coverage,omitempty"`
	}{Tests: []test{}, Coverage: cover}
	for i := range results {
		r := &results[i]
		t := test{
			File: r.File.Path, Line: r.Case.Pos.Line, Name: r.Case.Name, OK: r.OK(),
			Failures: r.Failed, Error: r.Error, Path: []string{},
		}
		for _, p := range r.Scene.Path() {
			t.Path = append(t.Path, p.String())
		}
		if !t.OK {
			t.Trace = r.Scene.Trace.Events
		}
		out.Tests = append(out.Tests, t)
	}
	return writeJSON(w, out)
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// writer keeps the first error.
type writer struct {
	w   io.Writer
	err error
}

func (p *writer) line(format string, args ...any) {
	if _, err := fmt.Fprintf(p.w, format+"\n", args...); err != nil && p.err == nil {
		p.err = err
	}
}

func (p *writer) text(text, indent string) {
	for line := range strings.Lines(text) {
		p.line("%s%s", indent, strings.TrimSuffix(line, "\n"))
	}
}
