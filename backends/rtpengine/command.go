package rtpengine

import (
	"net/netip"

	"sipedge/backends"
)

// command is one of the protocol ng, with the keys that are used here.
type command struct {
	Command   string   `json:"command"`
	CallID    string   `json:"call-id,omitempty"`
	FromTag   string   `json:"from-tag,omitempty"`
	ToTag     string   `json:"to-tag,omitempty"`
	SDP       string   `json:"sdp,omitempty"`
	Replace   []string `json:"replace,omitempty"`
	Flags     []string `json:"flags,omitempty"`
	Received  []string `json:"received-from,omitempty"`
	Transport string   `json:"transport-protocol,omitempty"`
	ICE       string   `json:"ICE,omitempty"`
	DTLS      string   `json:"DTLS,omitempty"`
	SDES      []string `json:"SDES,omitempty"`
	RTCPMux   []string `json:"rtcp-mux,omitempty"`
	Family    string   `json:"address-family,omitempty"`
	Direction []string `json:"direction,omitempty"`
}

// profiles are what parties speak, as an offer to them says it. What they spoke before in the call
// the node keeps up, but for RTCP on the port of RTP: unless told otherwise it asks who gets the
// offer, and would take it from a browser when a phone does not want it.
var profiles = map[string]command{
	"":     {RTCPMux: []string{"accept"}},
	"rtp":  {Transport: "RTP/AVP", ICE: "remove", RTCPMux: []string{"demux"}},
	"srtp": {Transport: "RTP/SAVP", ICE: "remove", DTLS: "off", RTCPMux: []string{"demux"}},
	"webrtc": {
		Transport: "UDP/TLS/RTP/SAVPF", ICE: "force", SDES: []string{"off"},
		RTCPMux: []string{"offer", "require"}, Flags: []string{"generate-mid"},
	},
}

// commandOf is an offer or an answer. What who gets an answer speaks the node knows from his offer.
func commandOf(name string, c *backends.Call) *command {
	var out command
	if name == "offer" {
		out = profiles[c.Profile]
	}
	out.Flags = append([]string{"loop-protect"}, out.Flags...)
	out.Command, out.SDP = name, string(c.SDP)
	out.CallID, out.FromTag, out.ToTag = string(c.CallID), string(c.Offerer), string(c.Answerer)
	out.Replace = []string{"origin", "session-connection"}
	switch c.Family {
	case "inet":
		out.Family = "IP4"
	case "inet6":
		out.Family = "IP6"
	}
	if a, err := netip.ParseAddr(c.Source); err == nil {
		family := "IP4"
		if a.Is6() {
			family = "IP6"
		}
		out.Flags = append(out.Flags, "SIP-source-address")
		out.Received = []string{family, a.String()}
	}
	if c.From != "" && c.To != "" {
		out.Direction = []string{c.From, c.To}
	}
	return &out
}
