// Package proxyheader takes the PROXY protocol, versions 1 and 2, off connections: a load
// balancer before us says there on whose behalf it connects.
// Its one law: nobody but the listed proxies says who a client is.
package proxyheader
