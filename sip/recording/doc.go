// Package recording reads SIP messages out of recordings: captures (pcap and
// pcapng, UDP and TCP), message logs of SIPp, and files of messages as they are.
// Its one law: what looks like a message is given or told, never passed over.
package recording
