// Package directory finds things by text, among very many, of which most asked for is not there.
// Its one law: a look-up allocates nothing, and reads one small slot to say no.
package directory
