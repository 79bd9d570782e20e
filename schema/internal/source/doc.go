// Package source is the text of a policy: values with their places, read from
// YAML and CUE, and diagnostics about them.
// Its one law: whatever is read has a place in an author's file.
package source
