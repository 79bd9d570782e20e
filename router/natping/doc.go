// Package natping pings the clients that bindings lead to: their NATs keep the mappings by which
// they are reached (RFC 5626 §4.4, from the other side), and who does not answer any more is
// forgotten. Its one law: pings are spread evenly, and cost no more than the pings.
package natping
