package natping

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"

	"sipedge/sip"
	"sipedge/sip/siphash"
)

// A token is what the branch of a ping ends with: which binding, when, and the proof that it is
// ours. By the time no two branches are the same, RFC 3261 §8.1.1.7.
type token [24]byte

func newToken(key siphash.Key, id uint64, at int64) (t token) {
	binary.BigEndian.PutUint64(t[:], id)
	binary.BigEndian.PutUint64(t[8:], uint64(at))
	h := key.Start()
	h.Field(t[:16])
	binary.BigEndian.PutUint64(t[16:], h.Sum())
	return t
}

// appendTo appends the token in characters that are for Call-ID, too.
func (t *token) appendTo(dst []byte) []byte { return hex.AppendEncode(dst, t[:]) }

// branchStart is what the branch of a ping begins with. Those of transactions have a hexadecimal
// digit behind the cookie, those of requests without state an s.
var branchStart = []byte(sip.MagicCookie + "p")

// readBranch reads the branch of a ping; ok false: it is none of ours.
func readBranch(key siphash.Key, branch []byte) (id uint64, at int64, ok bool) {
	text, ok := bytes.CutPrefix(branch, branchStart)
	var t token
	if !ok || len(text) != hex.EncodedLen(len(t)) {
		return 0, 0, false
	}
	if _, err := hex.Decode(t[:], text); err != nil {
		return 0, 0, false
	}
	id, at = binary.BigEndian.Uint64(t[:]), int64(binary.BigEndian.Uint64(t[8:]))
	own := newToken(key, id, at)
	return id, at, subtle.ConstantTimeCompare(own[:], t[:]) == 1
}
