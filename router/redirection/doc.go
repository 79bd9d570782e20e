// Package redirection follows 3xx responses, RFC 3261 §16.7 step 4. Its one law: whoever redirects
// is a stranger, so what he says is followed where the policy lets it lead, no URI twice, and not
// for ever.
package redirection
