//go:build !(amd64 || arm64) || portable

package sip

import "encoding/binary"

// bytesAt are bytes; its twin in load_unsafe.go leaves the bounds checks out.
type bytesAt struct{ b []byte }

func at(b []byte) bytesAt { return bytesAt{b} }

func (b bytesAt) byte(i int) byte { return b.b[i] }

func (b bytesAt) four(i int) uint32 { return binary.LittleEndian.Uint32(b.b[i : i+4]) }

func (b bytesAt) eight(i int) uint64 { return binary.LittleEndian.Uint64(b.b[i : i+8]) }
