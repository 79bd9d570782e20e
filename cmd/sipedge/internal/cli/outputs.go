package cli

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

// checked is what there is to say about one path.
type checked struct {
	path  string
	diags schema.Diagnostics
	src   schema.Source
	err   error // it could not be read
}

// writers write the outcome of checks for machines, a document each.
var writers = map[string]func([]checked) (string, error){
	"json": problemsJSON, "sarif": problemsSARIF, "junit": problemsJUnit, "github": problemsGitHub,
}

var outputs = []string{"text", "json", "sarif", "junit", "github"}

func indented(v any) (string, error) {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return text.String(), err
}

func problemsJSON(all []checked) (string, error) {
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
		out.Problems = append(out.Problems, c.diags...)
		if c.err != nil {
			out.Unread = append(out.Unread, unread{c.path, c.err.Error()})
		}
	}
	return indented(out)
}

// told is a diagnostic's message with its hint.
func told(d schema.Diagnostic, between string) string {
	if d.Hint == "" {
		return d.Message
	}
	return d.Message + between + d.Hint
}

// problemsGitHub writes workflow commands: annotations of a pull request.
func problemsGitHub(all []checked) (string, error) {
	message := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var b strings.Builder
	for _, c := range all {
		if c.err != nil {
			fmt.Fprintf(&b, "::error file=%s::%s\n", property.Replace(c.path),
				message.Replace(c.err.Error()))
		}
		for _, d := range c.diags {
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

// problemsJUnit has a test case a path.
func problemsJUnit(all []checked) (string, error) {
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
		tc := testCase{Class: s.Name, Name: c.path}
		switch {
		case c.err != nil:
			tc.Error = &failure{c.err.Error(), ""}
			s.Errors++
		case c.diags.HasErrors():
			tc.Failure = &failure{c.diags[0].String(), c.diags.Text(c.src)}
			s.Failures++
		default:
			tc.Out = c.diags.Text(c.src)
		}
		s.Cases = append(s.Cases, tc)
	}
	out, err := xml.MarshalIndent(s, "", "  ")
	return xml.Header + string(out) + "\n", err
}

type object = map[string]any

// problemsSARIF is SARIF 2.1.0, what code scanning reads.
func problemsSARIF(all []checked) (string, error) {
	results, rules := []object{}, []object{}
	known := map[schema.Code]bool{}
	for _, c := range all {
		if c.err != nil {
			results = append(results, object{
				"level": "error", "message": object{"text": c.err.Error()},
				"locations": []object{{"physicalLocation": object{
					"artifactLocation": object{"uri": fileURI(c.path)},
				}}},
			})
		}
		for _, d := range c.diags {
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
					"region":           region(d, c.src),
				}}},
			})
		}
	}
	return indented(object{
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
