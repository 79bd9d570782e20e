// Package rtpengine relays media by nodes of rtpengine, over its protocol ng, in JSON over UDP.
// Its one law: a node that says no is well; one that says nothing is spared until it answers.
package rtpengine
