// Package enum finds the URIs that a telephone number stands for in the DNS, RFC 6116. Its one
// law: whoever holds a number writes its rules, so they are a stranger's words: a rule that can't
// be read is none, and no rule costs much.
package enum
