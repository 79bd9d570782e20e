package policytest

import (
	_ "embed"

	"sipedge/schema"
)

//go:embed test.cue
var testCUE string

// form is the shape of test files.
var form = schema.NewForm(testCUE, "#TestFile")
