//go:build (amd64 || arm64) && !portable

package sip

import "unsafe"

// bytesAt are bytes read without bounds checks: whoever asks knows that they
// are there. Its twin in load_portable.go checks.
type bytesAt struct{ p unsafe.Pointer }

func at(b []byte) bytesAt { return bytesAt{unsafe.Pointer(unsafe.SliceData(b))} }

// byte is the byte at i.
func (b bytesAt) byte(i int) byte { return *(*byte)(unsafe.Add(b.p, i)) }

// two, four and eight are as many bytes at i, little-endian.

func (b bytesAt) four(i int) uint32 { return *(*uint32)(unsafe.Add(b.p, i)) }

func (b bytesAt) eight(i int) uint64 { return *(*uint64)(unsafe.Add(b.p, i)) }
