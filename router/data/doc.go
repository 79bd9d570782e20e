// Package data holds the tables of a policy: sets, maps, prefixes, networks and caches.
// Its one law: a look-up allocates nothing and never waits for a table to be read.
package data
