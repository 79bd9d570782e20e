// Package table is the decision table: which rule comes next.
// Its one law: it answers exactly what a loop over the rules would.
package table
