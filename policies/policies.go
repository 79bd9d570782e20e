// Package policies is CUE packages for policies to import, from sipedge.local/policies/….
// Its one law: a package is plain rules, which mean the same written out by hand.
package policies

import "embed"

// Files are the packages, a folder each.
//
//go:embed */*.cue
var Files embed.FS
