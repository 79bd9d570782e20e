// Package uac makes requests of the router's own and takes their answers: the
// user agent client of RFC 3261 §8.1, outside of any dialog. Its one law: a
// policy that asks for requests can neither wait for them nor flood anybody.
package uac
