// Package schema is the policy language: its CUE schema, loading of YAML and
// CUE, checks, diagnostics. It is defined by policy.cue, which people read
// first, and by the vocabulary of actions and matchers handed down to it.
// Its one law: one mistake gives one diagnostic, at a place in the author's file.
package schema
