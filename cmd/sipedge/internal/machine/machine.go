// Package machine is what commands print for machines: JSON, and problems in the formats that have
// some. Its one law: every format tells each problem, and each path that could not be read.
package machine

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"sipedge/schema"
)

// Checked is what there is to say about one path.
type Checked struct {
	Path  string
	Found schema.Diagnostics
	Src   schema.Source
	Err   error // it could not be read
}

// Writers write the outcome of checks, a document each, by the name of the format.
var Writers = map[string]func([]Checked) (string, error){
	"json": writeJSON, "sarif": writeSARIF, "junit": writeJUnit, "github": writeGitHub,
}

// Indented is the JSON of every command: v, laid out for people as well.
func Indented(v any) (string, error) {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return text.String(), err
}

func writeJSON(all []Checked) (string, error) {
	type unread struct {
		Path    string `json:"path"`
		Message string `json:"message"`
	}
	var out struct {
		Problems schema.Diagnostics `json:"problems"`
		Unread   []unread           `json:"unread,omitempty"`
	}
	out.Problems = schema.Diagnostics{}
	for _, c := range all {
		out.Problems = append(out.Problems, c.Found...)
		if c.Err != nil {
			out.Unread = append(out.Unread, unread{c.Path, c.Err.Error()})
		}
	}
	return Indented(out)
}

// told is a diagnostic's message with its hint.
func told(d schema.Diagnostic, between string) string {
	if d.Hint == "" {
		return d.Message
	}
	return d.Message + between + d.Hint
}

// writeGitHub writes workflow commands: annotations of a pull request.
func writeGitHub(all []Checked) (string, error) {
	message := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var b strings.Builder
	for _, c := range all {
		if c.Err != nil {
			fmt.Fprintf(&b, "::error file=%s::%s\n", property.Replace(c.Path),
				message.Replace(c.Err.Error()))
		}
		for _, d := range c.Found {
			fmt.Fprintf(&b, "::%s file=%s,line=%d,col=%d", d.Severity,
				property.Replace(filepath.ToSlash(d.Pos.File)), d.Pos.Line, d.Pos.Col)
			if d.End > 0 {
				fmt.Fprintf(&b, ",endColumn=%d", d.End)
			}
			fmt.Fprintf(&b, ",title=%s::%s\n", d.Code, message.Replace(told(d, "\n")))
		}
	}
	return b.String(), nil
}

// writeJUnit has a test case a path.
func writeJUnit(all []Checked) (string, error) {
	type failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testCase struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		Failure *failure `xml:"failure"`
		Error   *failure `xml:"error"`
		Out     string   `xml:"system-out,omitempty"`
	}
	type suite struct {
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Cases    []testCase `xml:"testcase"`
	}
	s := suite{Name: "sipedge validate", Tests: len(all)}
	for _, c := range all {
		tc := testCase{Class: s.Name, Name: c.Path}
		switch {
		case c.Err != nil:
			tc.Error = &failure{c.Err.Error(), ""}
			s.Errors++
		case c.Found.HasErrors():
			tc.Failure = &failure{c.Found[0].String(), c.Found.Text(c.Src)}
			s.Failures++
		default:
			tc.Out = c.Found.Text(c.Src)
		}
		s.Cases = append(s.Cases, tc)
	}
	out, err := xml.MarshalIndent(s, "", "  ")
	return xml.Header + string(out) + "\n", err
}

type object = map[string]any

// writeSARIF is SARIF 2.1.0, what code scanning reads.
func writeSARIF(all []Checked) (string, error) {
	results, rules := []object{}, []object{}
	known := map[schema.Code]bool{}
	for _, c := range all {
		if c.Err != nil {
			results = append(results, object{
				"level": "error", "message": object{"text": c.Err.Error()},
				"locations": []object{{"physicalLocation": object{
					"artifactLocation": object{"uri": fileURI(c.Path)},
				}}},
			})
		}
		for _, d := range c.Found {
			if info, ok := schema.Info(d.Code); ok && !known[d.Code] {
				known[d.Code] = true
				rules = append(rules, object{
					"id": d.Code.String(), "shortDescription": object{"text": info.Title},
					"help": object{"text": info.Text},
				})
			}
			results = append(results, object{
				"ruleId": d.Code.String(), "level": d.Severity.String(),
				"message": object{"text": told(d, "\n")},
				"locations": []object{{"physicalLocation": object{
					"artifactLocation": object{"uri": fileURI(d.Pos.File)},
					"region":           region(d, c.Src),
				}}},
			})
		}
	}
	return Indented(object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": []object{{
			"tool":       object{"driver": object{"name": "sipedge", "rules": rules}},
			"columnKind": "unicodeCodePoints",
			"results":    results,
		}},
	})
}

func fileURI(path string) string {
	return (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
}

// region is a place as SARIF counts it: in characters.
func region(d schema.Diagnostic, src schema.Source) object {
	var line []byte
	if lines := bytes.SplitN(src[d.Pos.File], []byte("\n"), d.Pos.Line+1); d.Pos.Line <= len(lines) {
		line = lines[d.Pos.Line-1]
	}
	column := func(col int) int {
		return utf8.RuneCount(line[:min(col-1, len(line))]) + 1
	}
	out := object{"startLine": d.Pos.Line, "startColumn": column(d.Pos.Col)}
	if d.End > d.Pos.Col {
		out["endColumn"] = column(d.End)
	}
	return out
}
