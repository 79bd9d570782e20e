// Package schema is the policy language: its CUE schema, loading of YAML and CUE, checks, diagnostics.
// Its one law: one mistake gives one diagnostic, at a place in the author's file.
package schema
