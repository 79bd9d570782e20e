//go:build !(amd64 || arm64) || portable

// Package load reads bytes of a text as words, little-endian.
// Its one law: who asks knows that the bytes are there.
package load

import "encoding/binary"

// Bytes are bytes; its twin in load_unsafe.go leaves the bounds checks out.
type Bytes struct{ b []byte }

// At are the bytes of b.
func At(b []byte) Bytes { return Bytes{b} }

// Byte is the byte at i.
func (b Bytes) Byte(i int) byte { return b.b[i] }

// Four are the four bytes at i.
func (b Bytes) Four(i int) uint32 { return binary.LittleEndian.Uint32(b.b[i : i+4]) }

// Eight are the eight bytes at i.
func (b Bytes) Eight(i int) uint64 { return binary.LittleEndian.Uint64(b.b[i : i+8]) }
