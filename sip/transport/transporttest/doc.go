// Package transporttest is the conformance suite of transports: what every
// transport.Sender promises to the floors above, over sockets and in memory.
// Its one law: it knows nothing of the transport it tests but its name.
package transporttest
