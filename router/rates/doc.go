// Package rates holds rate tables: by which gateways a number can be reached, by what it begins
// with, and at which cost (OpenSIPS: the rules of drouting).
// Its one law: a look-up allocates nothing, whatever the table has.
package rates
