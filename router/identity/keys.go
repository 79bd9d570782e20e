package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"

	"sipedge/sip/siphash"
)

// keys of every keyed value that is written into a message, each derived
// from the secret, so that none can be made from another.
type keys struct {
	toTag  siphash.Key // To tags of local responses
	route  siphash.Key // Record-Route tags
	loop   siphash.Key // loop-detection part of a branch, RFC 5393 §4.2
	check  siphash.Key // proof in a branch that a response answers a request of ours
	branch siphash.Key // branches of stateless forwarding, RFC 3261 §16.11
	flow   siphash.Key // the Via parameter that names a stateless request's flow
	// the Contact parameter that names a client's
	contact siphash.Key
	path    siphash.Key // the flow token of a Path
}

func deriveKeys(secret []byte) keys {
	derive := func(use string) siphash.Key {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(use))
		return siphash.NewKey(h.Sum(nil))
	}
	return keys{
		toTag:   derive("to tag"),
		route:   derive("record-route"),
		loop:    derive("loop"),
		check:   derive("via check"),
		branch:  derive("stateless branch"),
		flow:    derive("via flow"),
		contact: derive("contact flow"),
		path:    derive("path"),
	}
}

// macLen is the length of a 64-bit keyed value as it is written.
const macLen = 16

const hexDigits = "0123456789abcdef"

// appendMAC appends v as 16 lower-case hexadecimal digits: token characters,
// and unharmed by a peer that folds case.
func appendMAC(dst []byte, v uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[v>>shift&15])
	}
	return dst
}

// isMAC compares in constant time.
func isMAC(b []byte, v uint64) bool {
	var want [macLen]byte
	return subtle.ConstantTimeCompare(b, appendMAC(want[:0], v)) == 1
}

// appendHex appends v without leading zeros.
func appendHex(dst []byte, v uint64) []byte {
	shift := 0
	for shift < 60 && v>>shift > 15 {
		shift += 4
	}
	for ; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[v>>shift&15])
	}
	return dst
}

func parseHex(b []byte) (v uint64, ok bool) {
	if len(b) == 0 || len(b) > macLen {
		return 0, false
	}
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint64(c)
	}
	return v, true
}
