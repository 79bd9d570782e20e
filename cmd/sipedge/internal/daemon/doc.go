// Package daemon builds a server from a policy, runs it, reloads it and drains it.
// Its one law: a reload that can't be carried out whole changes nothing and says why.
package daemon
