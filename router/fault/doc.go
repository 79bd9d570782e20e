// Package fault is why this router itself ends a request or a branch, and what the caller is told.
// Its one law: a Fault is compared by its pointer, and says nothing a stranger should not know.
package fault
