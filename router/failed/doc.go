// Package failed remembers where requests lately could not be delivered, RFC 3263 §4.3, and who
// asked to be left alone for a while, RFC 3261 §21.5.4, by address, port and transport. Its one
// law: while nothing has failed it costs the load of one word.
package failed
