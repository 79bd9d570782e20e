package ws

import (
	"cmp"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gobwas/ws"

	"sipedge/sip/transport"
)

// subprotocol is SIP's, RFC 7118 §4.
const subprotocol = "sip"

// maxRequest is how long the request that opens a WebSocket may be, in bytes.
const maxRequest = 16 << 10

// opener answers the requests that open WebSockets, RFC 6455 §4.2.
type opener struct {
	path    string
	origins []string // in lower case; empty: the host that was asked for
	anyone  bool     // pages of any origin are let in
	stats   *transport.Stats
}

func newOpener(c *transport.WebSocket, stats *transport.Stats) *opener {
	o := &opener{path: "/", stats: stats}
	if c == nil {
		return o
	}
	o.path = cmp.Or(c.Path, o.path)
	for _, origin := range c.Origins {
		o.origins = append(o.origins, strings.ToLower(origin))
	}
	o.anyone = slices.Contains(o.origins, "*")
	return o
}

// open implements stream.Protocol's Open: the request is answered, with 101 or with why not.
func (o *opener) open(nc net.Conn) error {
	var host, origin string
	var offered, several bool
	why := transport.RejectedRequest
	reject := func(r transport.Rejection, status int) error {
		why = r
		return ws.RejectConnectionError(ws.RejectionStatus(status), ws.RejectionReason(r.String()))
	}
	u := ws.Upgrader{
		OnRequest: func(uri []byte) error {
			if path, _, _ := strings.Cut(string(uri), "?"); path != o.path {
				return reject(transport.RejectedPath, http.StatusNotFound)
			}
			return nil
		},
		OnHost: func(b []byte) error { host = string(b); return nil },
		OnHeader: func(key, value []byte) error {
			if string(key) == "Origin" {
				several, origin = origin != "", string(value)
			}
			return nil
		},
		Protocol: func(b []byte) bool {
			offered = offered || string(b) == subprotocol
			return string(b) == subprotocol
		},
		OnBeforeUpgrade: func() (ws.HandshakeHeader, error) {
			switch {
			case several || !o.admits(origin, host):
				return nil, reject(transport.RejectedOrigin, http.StatusForbidden)
			case !offered:
				return nil, reject(transport.RejectedProtocol, http.StatusBadRequest)
			}
			return nil, nil
		},
	}
	_, err := u.Upgrade(struct {
		io.Reader
		io.Writer
	}{io.LimitReader(nc, maxRequest), nc})
	if err != nil {
		o.stats.Rejected[why].Add(1)
	}
	return err
}

// admits reports whether the page of an origin may open a WebSocket here. Browsers always say whose
// page asks; who says nothing is none, and could say anything.
func (o *opener) admits(origin, host string) bool {
	switch {
	case origin == "", o.anyone:
		return true
	case len(o.origins) > 0:
		return slices.Contains(o.origins, strings.ToLower(origin))
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}
