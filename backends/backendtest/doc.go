// Package backendtest is what every backend must do, as tests, and real servers to test against.
// Its one law: a contract has one suite, and every driver passes it.
package backendtest
