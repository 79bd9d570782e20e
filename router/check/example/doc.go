// Package example makes messages (RFC 3261) for which literals of a formula hold, or shows that
// there is none.
// Its one law: Nothing is said only when there is none; what gave up says Unsure.
package example
