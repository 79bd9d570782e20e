package transaction

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"

	"sipedge/sip"
)

// A branch of ours is the magic cookie, the handle of its client transaction
// and a keyed check of the handle, both as 16 hexadecimal digits, and the
// caller's loop part. A response so names its transaction, and nobody can
// name one whose branch it hasn't seen.
const branchLen = len(sip.MagicCookie) + 32

func (l *Layer) appendBranch(dst []byte, h uint64, loop []byte) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], h)
	binary.BigEndian.PutUint64(b[8:], l.check(b[:8]))
	dst = append(dst, sip.MagicCookie...)
	dst = hex.AppendEncode(dst, b[:])
	return append(dst, loop...)
}

// parseBranch returns handle and loop part of a branch appendBranch made.
func (l *Layer) parseBranch(branch []byte) (h uint64, loop []byte, ok bool) {
	if len(branch) < branchLen || string(branch[:len(sip.MagicCookie)]) != sip.MagicCookie {
		return 0, nil, false
	}
	var b [16]byte
	if _, err := hex.Decode(b[:], branch[len(sip.MagicCookie):branchLen]); err != nil {
		return 0, nil, false
	}
	if binary.BigEndian.Uint64(b[8:]) != l.check(b[:8]) {
		return 0, nil, false
	}
	return binary.BigEndian.Uint64(b[:8]), branch[branchLen:], true
}

func (l *Layer) check(handle []byte) uint64 { return l.hash(handle) }

// Loop returns the caller's part of a branch value that Branch made, and
// whether it is one: how a proxy knows a Via of its own, RFC 3261 §16.3.
func (l *Layer) Loop(branch []byte) (loop []byte, ok bool) {
	_, loop, ok = l.parseBranch(branch)
	return loop, ok
}

// branchIn finds the branch parameter of the first Via in the beginning of a request of ours,
// which may be cut off: the layer's user writes its Via behind the start line. nil: there is
// none, or not whole.
func branchIn(b []byte) []byte {
	_, b, _ = bytes.Cut(b, []byte("\r\n"))
	via, _, whole := bytes.Cut(b, []byte("\r\n"))
	name, value, _ := bytes.Cut(via, []byte(":"))
	if !whole || sip.LookupHeader(bytes.TrimRight(name, " \t")) != sip.Via {
		return nil
	}
	v, err := sip.ParseVia(bytes.TrimSpace(value))
	if err != nil {
		return nil
	}
	return v.Branch
}
