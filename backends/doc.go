// Package backends says what the router asks of those who keep data for it: databases, directories,
// stores of bindings. A folder below is a driver.
// Its one law: "there is none" and "it could not answer" are never the same error.
package backends
