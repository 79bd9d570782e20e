// Package sctp is the SCTP transport, RFC 4168, over package stream and the kernel's one-to-one
// sockets. Linux; elsewhere, and on a kernel without SCTP, Listen says so.
// Its one law: one SIP message is one SCTP message.
package sctp
