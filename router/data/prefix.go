package data

import (
	"bytes"
	"fmt"
)

// trie finds the longest row that a number begins with. A node is an array
// over the alphabet; a child is a node, or the only row whose key begins so.
type trie struct {
	rows  *rows
	nodes []trieNode
}

type trieNode struct {
	row  int32                // whose key ends here; -1 none
	next [len(alphabet)]int32 // 0 nothing, positive a node, negative a row (^row)
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

func newTrie(r *rows) *trie { return &trie{r, []trieNode{{row: -1}}} }

// insert files a row under its key.
func (t *trie) insert(row int) error {
	prefix := t.rows.key(row)
	for _, c := range prefix {
		if symbol(c) < 0 {
			return fmt.Errorf("%q is no prefix: digits, +, * and #", prefix)
		}
	}
	at := int32(0)
	for i, c := range prefix {
		next := &t.nodes[at].next[symbol(c)]
		switch {
		case *next == 0:
			*next = ^int32(row)
			return nil
		case *next < 0: // the row there moves down
			n, other := int32(len(t.nodes)), ^*next
			*next = n
			node := trieNode{row: -1}
			if key := t.rows.key(int(other)); len(key) == i+1 {
				node.row = other
			} else {
				node.next[symbol(key[i+1])] = ^other
			}
			t.nodes = append(t.nodes, node)
			at = n
		default:
			at = *next
		}
	}
	t.nodes[at].row = int32(row)
	return nil
}

// longest is the row of the longest prefix of number, or -1.
func (t *trie) longest(number []byte) int {
	at, best := int32(0), t.nodes[0].row
	for _, c := range number {
		s := symbol(c)
		if s < 0 {
			break
		}
		next := t.nodes[at].next[s]
		if next < 0 && bytes.HasPrefix(number, t.rows.key(int(^next))) {
			return int(^next)
		}
		if next <= 0 {
			break
		}
		at = next
		if row := t.nodes[at].row; row >= 0 {
			best = row
		}
	}
	return int(best)
}
