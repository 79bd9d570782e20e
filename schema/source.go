package schema

import (
	"net/netip"

	"sipedge/schema/internal/refine"
	"sipedge/schema/internal/source"
)

// Pos is a place in an author's file. Line and Col count from 1, Col in bytes.
type Pos = source.Pos

// Text is a string with its place: Pos is the first byte of the content.
type Text = source.Text

// Value is a checked piece of YAML or CUE with its place.
type Value = source.Value

// Key is an entry of a Map.
type Key = source.Key

// ValueKind is what a Value is.
type ValueKind = source.ValueKind

// The kinds of values.
const (
	None   = source.None // absent or null
	String = source.String
	Int    = source.Int
	Bool   = source.Bool
	List   = source.List
	Map    = source.Map
	Number = source.Number // no int64: 0.7, 1e99
)

// Diagnostic is one mistake, told once.
type Diagnostic = source.Diagnostic

// Diagnostics are in the order of their places.
type Diagnostics = source.Diagnostics

// Source gives the text of the author's files back, for the quoted line.
type Source = source.Files

// Severity of a diagnostic.
type Severity = source.Severity

// A policy with an Error is refused.
const (
	Error   = source.Error
	Warning = source.Warning
)

// Code is a stable number: 1004 prints as SE1004.
type Code = source.Code

// Meant ends a message about an unknown name: "; did you mean x?" or nothing.
func Meant(name string, known []string) string { return source.Meant(name, known) }

// ParseNetwork reads what #CIDR stands for: an address is the network of it
// alone; bits behind the prefix are cleared. IPv4 in IPv6 form is IPv4.
func ParseNetwork(s string) (netip.Prefix, error) { return refine.ParseNetwork(s) }
