//go:build (amd64 || arm64) && !portable

// Package load reads bytes of a text as words, little-endian.
// Its one law: who asks knows that the bytes are there.
package load

import "unsafe"

// Bytes are bytes read without bounds checks. Its twin in load_portable.go checks.
type Bytes struct{ p unsafe.Pointer }

// At are the bytes of b.
func At(b []byte) Bytes { return Bytes{unsafe.Pointer(unsafe.SliceData(b))} }

// Byte is the byte at i.
func (b Bytes) Byte(i int) byte { return *(*byte)(unsafe.Add(b.p, i)) }

// Four are the four bytes at i.
func (b Bytes) Four(i int) uint32 { return *(*uint32)(unsafe.Add(b.p, i)) }

// Eight are the eight bytes at i.
func (b Bytes) Eight(i int) uint64 { return *(*uint64)(unsafe.Add(b.p, i)) }
