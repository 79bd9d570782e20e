package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"

	"sipedge/sip/siphash"
)

// A nonce is when it was issued (4 bytes, seconds), a number that no other has (8), and a MAC
// over these and the realm (8), in base64. The key of the MAC changes with the time in it.
type nonce struct {
	issued uint32
	index  uint64
}

// Sizes of a nonce: in bytes, and as it is written.
const (
	nonceBytes = 20
	nonceText  = 27
)

// Bounds of the age of a nonce, in seconds.
const (
	keyTime = 3600  // a key serves so long
	oldest  = 86400 // older ones are not told from forged ones
	ahead   = 30    // clocks of routers with the same secret differ by less
)

var encoding = base64.RawURLEncoding.Strict()

// appendNonce appends a new nonce.
func (g *Guard) appendNonce(dst, realm []byte, now time.Time) []byte {
	n := nonce{seconds(now), g.index.Add(1)}
	var b [nonceBytes]byte
	n.put(&b)
	binary.BigEndian.PutUint64(b[12:], g.sum(n, realm))
	return encoding.AppendEncode(dst, b[:])
}

func (n nonce) put(b *[nonceBytes]byte) {
	binary.BigEndian.PutUint32(b[:], n.issued)
	binary.BigEndian.PutUint64(b[4:], n.index)
}

// readNonce reads a nonce of ours; ok false: it is none, for another realm, or of another time.
func (g *Guard) readNonce(text, realm []byte, now time.Time) (n nonce, ok bool) {
	var b [nonceBytes]byte
	if len(text) != nonceText {
		return n, false
	}
	if _, err := encoding.Decode(b[:], text); err != nil {
		return n, false
	}
	n = nonce{binary.BigEndian.Uint32(b[:]), binary.BigEndian.Uint64(b[4:])}
	if age := int64(seconds(now)) - int64(n.issued); age > oldest || age < -ahead {
		return n, false
	}
	var want [8]byte
	binary.BigEndian.PutUint64(want[:], g.sum(n, realm))
	return n, subtle.ConstantTimeCompare(b[12:], want[:]) == 1
}

func (g *Guard) sum(n nonce, realm []byte) uint64 {
	h := g.keyAt(n.issued / keyTime).Start()
	h.Word(uint64(n.issued))
	h.Word(n.index)
	h.Field(realm)
	return h.Sum()
}

type epochKey struct {
	epoch uint32
	key   siphash.Key
}

// keyAt is the key of an epoch. The latest is kept.
func (g *Guard) keyAt(epoch uint32) siphash.Key {
	latest := g.key.Load()
	if latest != nil && latest.epoch == epoch {
		return latest.key
	}
	mac := hmac.New(sha256.New, g.secret[:])
	mac.Write(binary.BigEndian.AppendUint32(nil, epoch))
	k := &epochKey{epoch, siphash.NewKey(mac.Sum(nil))}
	if latest == nil || latest.epoch < epoch {
		g.key.CompareAndSwap(latest, k)
	}
	return k.key
}
