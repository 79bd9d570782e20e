// Package siptest plays SIP conversations written as text against a system
// under test, over sip/transport/mem in virtual time. Its user agents read
// and write messages as plain text and share no code with package sip, so
// that they are an independent witness. Its one law: a conversation is exact;
// every message not asked for is an error.
//
// A conversation is the file "flow" of a txtar archive, a step a line:
//
//	agent alice udp 10.0.0.1:5060      declare a user agent (udp or tcp)
//	proxy udp 10.0.0.9:5060            where agents send what has no Route
//
//	alice > INVITE sip:bob@example.net send a request
//	alice > ACK                        … in the dialog, or of a non-2xx
//	alice > CANCEL                     … of the last INVITE
//	bob > 180                          answer the last request received
//	bob > 200 BYE                      … the last of that method
//	alice > again                      the bytes sent last, once more
//	alice > raw                        the indented text, as it stands
//	bob < INVITE sip:bob@10.0.0.2      the next message, and what it must be
//	alice < 180                        a response of that status
//	alice < 200 BYE                    … to that method
//	alice < nothing for 3s             no message for that time
//	alice < closed                     its stream was closed
//	wait 500ms                         let time pass
//	down bob                           what is sent to bob is lost; up bob ends it
//	gone bob                           bob ends his connections, and takes no more
//
// Words behind a step: at=32s (time since the start, within 20 ms), tag=bob-1
// (the dialog with that remote tag), call=x (a second call of the agent),
// to=10.0.0.9:5060 (send there), again (expect: byte for byte what came last).
//
// Indented lines below a message are header fields. When sending, "Name:
// value" replaces or adds, "+Name: value" adds one more, "-Name" removes. When
// expecting, "Name: value" must be the value (of all of that name, joined by
// ", "), "Name ~ regexp" must match, "-Name" must be absent; "body: text" is
// the body. {alice.Via} stands for a header field of the last message alice received,
// {alice.ruri} for its Request-URI, {alice.Contact-uri} for the URI in a field.
package siptest
