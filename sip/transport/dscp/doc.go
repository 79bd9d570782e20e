// Package dscp marks what a socket sends for the routers on its way, RFC 2474.
// Its one law: code point 0, best effort, leaves a socket as the system made it.
package dscp
