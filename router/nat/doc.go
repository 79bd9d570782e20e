// Package nat makes clients behind NATs reachable within their dialogs: it tells who is behind one
// by what a message says of itself and where it came from, and has a Contact lead to the flow it
// came by (RFC 5626 §5.3). Its one law: what it writes for one side comes back from the other, and
// its client sees nothing of it.
package nat
