// Package dfa matches many regular expressions at once.
// Its one law: it answers what package regexp answers, reading the text once.
package dfa
