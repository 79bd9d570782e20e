package policytest

import (
	_ "embed"
	"regexp"

	"sipedge/schema"
)

//go:embed test.cue
var testCUE string

// form is the shape of test files.
var form = schema.NewForm(testCUE, "#TestFile")

// Shape is what may stand in a test file, in CUE, for people to read.
func Shape() string {
	return regexp.MustCompile(` @says\(.*\)`).ReplaceAllString(testCUE[1:], "")
}
