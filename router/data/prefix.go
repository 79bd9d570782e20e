package data

import "fmt"

// trie finds the longest row that a number begins with. A node is an array
// over the alphabet; a child is the number of a node, or a row that nothing
// longer begins with.
type trie struct {
	nodes []trieNode
}

type trieNode struct {
	row  int32 // of the prefix that ends here; -1 none
	next [len(alphabet)]int32
}

// alphabet of prefixes.
const alphabet = "0123456789+*#"

// Values of trieNode.next: 0 nothing, positive a node, negative a row (^row).

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

func newTrie() *trie { return &trie{nodes: []trieNode{{row: -1}}} }

// insert files row under a prefix.
func (t *trie) insert(prefix []byte, row int) error {
	at := int32(0)
	for i, c := range prefix {
		s := symbol(c)
		if s < 0 {
			return fmt.Errorf("%q is no prefix: digits, +, * and #", prefix)
		}
		switch next := t.nodes[at].next[s]; {
		case next > 0:
			at = next
		case i == len(prefix)-1 && next == 0:
			t.nodes[at].next[s] = ^int32(row)
			return nil
		default: // a row alone becomes a node
			n := int32(len(t.nodes))
			t.nodes = append(t.nodes, trieNode{row: -1})
			if next < 0 {
				t.nodes[n].row = ^next
			}
			t.nodes[at].next[s] = n
			at = n
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
		if next < 0 {
			return int(^next)
		}
		if next == 0 {
			break
		}
		at = next
		if row := t.nodes[at].row; row >= 0 {
			best = row
		}
	}
	return int(best)
}
