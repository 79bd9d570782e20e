// Package registrar is a registrar and a location service: what a REGISTER makes of the bindings of
// an address of record, RFC 3261 §10.3, and where its bindings lead a request.
// Its one law: all Contacts of a request take effect, or none.
package registrar
