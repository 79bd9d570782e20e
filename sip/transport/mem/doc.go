// Package mem is a network in memory and in virtual time: nodes that send and
// receive as over UDP and TCP, links that lose, delay, duplicate and reorder.
// Its one law: one goroutine, one seed, one outcome.
package mem
