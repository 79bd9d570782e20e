package digest

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
)

// Algorithm is a hash, RFC 8760 §2, with -sess or without. The zero Algorithm is none.
type Algorithm uint8

// In ascending strength; of two of the same hash -sess is the stronger.
const (
	MD5 Algorithm = iota + 1
	MD5Sess
	SHA256
	SHA256Sess
	SHA512256
	SHA512256Sess
)

var algorithmNames = [...]string{
	"", "MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess",
}

// String is the name of the algorithm as challenges have it.
func (a Algorithm) String() string { return algorithmNames[a] }

// LookupAlgorithm finds an algorithm by its name, in any case; 0: it is not known.
func LookupAlgorithm(name []byte) Algorithm {
	for a := MD5; a <= SHA512256Sess; a++ {
		if equalFold(name, algorithmNames[a]) {
			return a
		}
	}
	return 0
}

// Sess reports whether HA1 covers nonce and cnonce too.
func (a Algorithm) Sess() bool { return a != 0 && a%2 == 0 }

// Hash is the algorithm without -sess.
func (a Algorithm) Hash() Algorithm {
	if a.Sess() {
		return a - 1
	}
	return a
}

// HexLen is how many hexadecimal digits a hash has.
func (a Algorithm) HexLen() int {
	if a.Hash() == MD5 {
		return 2 * md5.Size
	}
	return 2 * sha256.Size
}

// MaxHexLen is the largest HexLen.
const MaxHexLen = 2 * sha256.Size

// appendHash appends the hash of b in lower-case hexadecimal digits.
func (a Algorithm) appendHash(dst, b []byte) []byte {
	switch a.Hash() {
	case MD5:
		sum := md5.Sum(b)
		return hex.AppendEncode(dst, sum[:])
	case SHA256:
		sum := sha256.Sum256(b)
		return hex.AppendEncode(dst, sum[:])
	}
	sum := sha512.Sum512_256(b)
	return hex.AppendEncode(dst, sum[:])
}

// AppendHA1 appends H(user:realm:password), in hexadecimal digits: what is kept of a user. Of
// "user@domain" as the user it is what OpenSIPS calls HA1b. The algorithm's -sess changes nothing.
func AppendHA1(dst []byte, a Algorithm, user, realm, password []byte) []byte {
	var buf [scratchLen]byte
	return a.appendHash(dst, join(buf[:0], user, realm, password))
}

// scratchLen is the length of texts to hash up to which nothing is allocated.
const scratchLen = 512

// join puts colons between parts.
func join(dst []byte, parts ...[]byte) []byte {
	for i, p := range parts {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = append(dst, p...)
	}
	return dst
}

// equalFold compares without regard to the case of ASCII letters.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// QOP is a set of qualities of protection. Credentials have one, or none: RFC 2069.
type QOP uint8

const (
	Auth    QOP = 1 << iota // the request line is covered
	AuthInt                 // and the body
)

var qopNames = [...]string{"", "auth", "auth-int", "auth,auth-int"}

// String lists the names as challenges have them.
func (q QOP) String() string { return qopNames[q] }

func lookupQOP(b []byte) (QOP, bool) {
	switch {
	case equalFold(b, "auth"):
		return Auth, true
	case equalFold(b, "auth-int"):
		return AuthInt, true
	}
	return 0, false
}
