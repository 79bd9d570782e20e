// Package example makes messages (RFC 3261) that matchers hold for: formulas of what matches
// read, and a solver that finds a message, or shows that there is none.
// Its one law: Nothing is said only when there is none; what gave up says Unsure.
package example
