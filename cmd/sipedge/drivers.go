package main

import (
	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/tcp"
	"sipedge/sip/transport/udp"
)

// transports is what this build listens and sends by. A transport is one line here.
var transports = transport.Drivers{
	sip.UDP: udp.Listen,
	sip.TCP: tcp.Listen,
}
