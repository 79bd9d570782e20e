// Package data holds the tables of a policy: sets, maps, prefixes, networks and caches.
// Rows come from the policy, a file or a table of a database; those of a file or a database are
// read again beside the traffic and swapped whole, and what can't be read leaves the last good
// copy. Its one law: a look-up allocates nothing and never waits for a table to be read.
package data
