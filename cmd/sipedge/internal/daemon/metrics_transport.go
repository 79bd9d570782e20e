package daemon

import "sipedge/sip/transport"

// listenerSum adds up the listeners of one transport.
type listenerSum struct {
	counters [len(listenerCounters)]uint64
	open     int64
	looped   int64
	ended    []uint64 // by transport.Reason
	rejected [len(transport.Rejections)]uint64
	faults   []uint64 // by transport.Fault
}

// listenerCounters names the counters of a listener.
var listenerCounters = [...]struct {
	name, help string
	of         func(*transport.Stats) uint64
}{
	{"messages_received_total", "Messages received.",
		func(s *transport.Stats) uint64 { return s.MessagesIn.Load() }},
	{"messages_sent_total", "Messages sent.",
		func(s *transport.Stats) uint64 { return s.MessagesOut.Load() }},
	{"bytes_received_total", "Bytes of the messages received.",
		func(s *transport.Stats) uint64 { return s.BytesIn.Load() }},
	{"bytes_sent_total", "Bytes of the messages sent.",
		func(s *transport.Stats) uint64 { return s.BytesOut.Load() }},
	{"read_errors_total", "Errors of a datagram socket that goes on.",
		func(s *transport.Stats) uint64 { return s.ReadErrors.Load() }},
	{"undelivered_total", "Datagrams that ICMP says did not arrive.",
		func(s *transport.Stats) uint64 { return s.Undelivered.Load() }},
	{"send_errors_total", "Datagrams that could not be sent.",
		func(s *transport.Stats) uint64 { return s.SendErrors.Load() }},
	{"accept_errors_total", "Errors of accepting a connection.",
		func(s *transport.Stats) uint64 { return s.AcceptErrors.Load() }},
	{"keepalives_total", "Keep-alives received.",
		func(s *transport.Stats) uint64 { return s.KeepAlives.Load() }},
	{"pings_total", "Pings sent to WebSockets that were silent.",
		func(s *transport.Stats) uint64 { return s.Pings.Load() }},
	{"oversized_total", "Datagrams above the limit of a message.",
		func(s *transport.Stats) uint64 { return s.Oversized.Load() }},
	{"connections_accepted_total", "Connections accepted.",
		func(s *transport.Stats) uint64 { return s.Accepted.Load() }},
	{"connections_dialled_total", "Connections opened.",
		func(s *transport.Stats) uint64 { return s.Dialled.Load() }},
	{"connections_aliased_total", "Accepted connections that requests to the peer go over, RFC 5923.",
		func(s *transport.Stats) uint64 { return s.Aliased.Load() }},
	{"dial_errors_total", "Connections that could not be opened.",
		func(s *transport.Stats) uint64 { return s.DialErrors.Load() }},
	{"connections_refused_total", "Connections above a limit.",
		func(s *transport.Stats) uint64 { return s.Refused.Load() }},
	{"proxy_header_errors_total", "Connections of proxies without a PROXY header.",
		func(s *transport.Stats) uint64 { return s.Unproxied.Load() }},
	{"queue_full_total", "Messages refused because a peer does not read.",
		func(s *transport.Stats) uint64 { return s.QueueFull.Load() }},
	{"handshakes_total", "Handshakes that succeeded.",
		func(s *transport.Stats) uint64 { return s.Handshakes.Load() }},
	{"handshakes_resumed_total", "Of these those that resumed a session.",
		func(s *transport.Stats) uint64 { return s.Resumed.Load() }},
	{"acme_challenges_total", "Of these those of a CA that asked whose a name is, RFC 8737.",
		func(s *transport.Stats) uint64 { return s.Proved.Load() }},
	{"unsent_total", "Messages queued that did not leave.",
		func(s *transport.Stats) uint64 { return s.Unsent.Load() }},
}

func (l *listenerSum) add(s *transport.Stats) {
	for i, c := range listenerCounters {
		l.counters[i] += c.of(s)
	}
	l.open += s.Open.Load()
	l.looped += s.Looped.Load()
	for i := range l.ended {
		l.ended[i] += s.Ended[i].Load()
	}
	for i := range l.rejected {
		l.rejected[i] += s.Rejected[i].Load()
	}
	for i := range l.faults {
		l.faults[i] += s.Unsuccessful[i].Load()
	}
}

func (l *listenerSum) emit(e emitter, transportName string) {
	for i, c := range listenerCounters {
		e.counter("transport_"+c.name, c.help, l.counters[i], "transport", transportName)
	}
	e.gauge("transport_connections", "Connections open.", float64(l.open),
		"transport", transportName)
	e.gauge("transport_connections_looped", "Of these, those of loops: they have no goroutine.",
		float64(l.looped), "transport", transportName)
	for i, n := range l.ended {
		e.counter("transport_connections_ended_total", "Connections that ended.", n,
			"transport", transportName, "reason", transport.Reasons[i])
	}
	for i, n := range l.rejected {
		if n > 0 || transportName == "ws" || transportName == "wss" {
			e.counter("transport_websockets_rejected_total", "Requests that opened no WebSocket.", n,
				"transport", transportName, "reason", transport.Rejections[i])
		}
	}
	for i, n := range l.faults {
		e.counter("transport_handshakes_failed_total", "Handshakes that failed.", n,
			"transport", transportName, "reason", transport.Faults[i])
	}
}
