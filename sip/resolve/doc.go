// Package resolve finds where a URI leads, RFC 3263, and what rules a name has, RFC 3403, over
// miekg/dns. Its one law: Cached never blocks, and Lookup and NAPTR never outlive the budget.
package resolve
