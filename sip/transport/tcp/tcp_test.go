package tcp

import (
	"testing"

	"go.uber.org/goleak"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var drivers = transport.Drivers{sip.TCP: Listen}

func TestConformance(t *testing.T) {
	transporttest.Run(t, sip.TCP, func(*testing.T) transporttest.World {
		return transporttest.Sockets{Drivers: drivers}
	})
}
