package main

import (
	"sipedge/backends"
	"sipedge/backends/bolt"
	"sipedge/backends/flat"
	"sipedge/backends/http"
	"sipedge/backends/memory"
	"sipedge/backends/mysql"
	"sipedge/backends/odbc"
	"sipedge/backends/postgres"
	"sipedge/backends/rtpengine"
	"sipedge/backends/sqlite"
	"sipedge/backends/text"
	"sipedge/backends/unassigned"
	"sipedge/backends/virtual"
	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/sctp"
	"sipedge/sip/transport/tcp"
	"sipedge/sip/transport/tls"
	"sipedge/sip/transport/udp"
	"sipedge/sip/transport/ws"
)

// transports is what this build listens and sends by. A transport is one line here.
var transports = transport.Drivers{
	sip.UDP:  udp.Listen,
	sip.TCP:  tcp.Listen,
	sip.SCTP: sctp.Listen,
	sip.TLS:  tls.Listen,
	sip.WS:   ws.Listen,
	sip.WSS:  ws.ListenSecure,
}

// services is what this build keeps data in. A driver is one line here.
var services = []backends.Driver{
	bolt.Driver,
	flat.Driver,
	http.Driver,
	memory.Driver,
	mysql.Driver,
	odbc.Driver,
	postgres.Driver,
	rtpengine.Driver,
	sqlite.Driver,
	text.Driver,
	unassigned.Driver,
	virtual.Driver,
}
