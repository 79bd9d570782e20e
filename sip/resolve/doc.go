// Package resolve finds where a URI leads, RFC 3263, over miekg/dns.
// Its one law: Cached never blocks and Lookup never outlives its budget.
package resolve
