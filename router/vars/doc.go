// Package vars is values of a job by name, and templates over them.
// Its one law: names, types and places are checked when a policy is compiled, never per message.
package vars
