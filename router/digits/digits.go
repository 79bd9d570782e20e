// Package digits finds the longest of many prefixes that a number begins with.
// Its one law: a look-up allocates nothing.
package digits

import (
	"bytes"
	"fmt"
)

// Trie finds prefixes, which are its owner's by number. A node is an array over the alphabet; a
// child is a node, or the only prefix that begins so.
type Trie struct {
	key   func(i int) []byte
	nodes []node
}

type node struct {
	here int32                // the prefix that ends here; -1 none
	next [len(alphabet)]int32 // 0 nothing, positive a node, negative a prefix (^i)
}

// alphabet of prefixes.
const alphabet = "0123456789+*#"

func symbol(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c == '+':
		return 10
	case c == '*':
		return 11
	case c == '#':
		return 12
	}
	return -1
}

// Check tells what is wrong with a prefix.
func Check[T string | []byte](prefix T) error {
	for i := range len(prefix) {
		if symbol(prefix[i]) < 0 {
			return fmt.Errorf("%q is no prefix: digits, +, * and #", prefix)
		}
	}
	return nil
}

// New makes an empty Trie. key is the text of a prefix that was inserted, which stays the same.
func New(key func(i int) []byte) *Trie { return &Trie{key, []node{{here: -1}}} }

// Insert files prefix i, which no other has the text of.
func (t *Trie) Insert(i int) error {
	prefix := t.key(i)
	if err := Check(prefix); err != nil {
		return err
	}
	at := int32(0)
	for n, c := range prefix {
		next := &t.nodes[at].next[symbol(c)]
		switch {
		case *next == 0:
			*next = ^int32(i)
			return nil
		case *next < 0: // the prefix there moves down
			below, other := int32(len(t.nodes)), ^*next
			*next = below
			down := node{here: -1}
			if key := t.key(int(other)); len(key) == n+1 {
				down.here = other
			} else {
				down.next[symbol(key[n+1])] = ^other
			}
			t.nodes = append(t.nodes, down)
			at = below
		default:
			at = *next
		}
	}
	t.nodes[at].here = int32(i)
	return nil
}

// Longest is the longest prefix that number begins with, or -1.
func (t *Trie) Longest(number []byte) int {
	at, best := int32(0), t.nodes[0].here
	for _, c := range number {
		s := symbol(c)
		if s < 0 {
			break
		}
		next := t.nodes[at].next[s]
		if next < 0 && bytes.HasPrefix(number, t.key(int(^next))) {
			return int(^next)
		}
		if next <= 0 {
			break
		}
		at = next
		if i := t.nodes[at].here; i >= 0 {
			best = i
		}
	}
	return int(best)
}
