package vars

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"slices"
	"strings"

	"sipedge/schema"
)

// hashPipes give digests in hexadecimal: to tell values apart, not to keep secrets.
var hashPipes = []Pipe{
	{
		Name: "hash", Args: "(algorithm)",
		Doc:    "The hash in hexadecimal, by crc32, md5, sha1 or sha256.",
		params: []param{aText}, needed: 1, takes: scalar,
		make: func(a []argument) (transform, string) {
			if run := hashes[a[0].s]; run != nil {
				return run, ""
			}
			names := []string{"crc32", "md5", "sha1", "sha256"}
			if near := schema.Meant(strings.ToLower(a[0].s), slices.Clone(names)); near != "" {
				return nil, "\"" + a[0].s + "\" is not a hash" + near
			}
			return nil, "\"" + a[0].s + "\" is not a hash (" + strings.Join(names, ", ") + ")"
		},
	},
	simple("md5", "The MD5 hash in hexadecimal.", scalar, hashes["md5"]),
	simple("sha256", "The SHA-256 hash in hexadecimal.", scalar, hashes["sha256"]),
}

var hashes = map[string]transform{
	"md5": func(dst, in []byte) []byte {
		sum := md5.Sum(in)
		return hex.AppendEncode(dst, sum[:])
	},
	"sha1": func(dst, in []byte) []byte {
		sum := sha1.Sum(in)
		return hex.AppendEncode(dst, sum[:])
	},
	"sha256": func(dst, in []byte) []byte {
		sum := sha256.Sum256(in)
		return hex.AppendEncode(dst, sum[:])
	},
	"crc32": func(dst, in []byte) []byte {
		n := crc32.ChecksumIEEE(in)
		return hex.AppendEncode(dst, []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	},
}
