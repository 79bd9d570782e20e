// Package slab keeps many small things for a short while, out of the sight of the
// garbage collector: items and texts in pages without pointers, named by
// numbers. Pages are used lowest first and given back when empty.
package slab
