package job

// RecordRoute is how Record-Route names this server. It is never changed.
type RecordRoute struct {
	// In and Out are host or host:port to write instead of what the listeners are called, for the
	// side a request came by and the side it leaves by; nil: that. With both, both are written.
	In, Out []byte
}
