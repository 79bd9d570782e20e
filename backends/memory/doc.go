// Package memory is the location store in this process: bindings in pages without pointers, which
// the garbage collector does not look into.
// Its one law: what a Change did is seen whole or not at all.
package memory
