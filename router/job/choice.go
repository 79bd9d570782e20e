package job

// Choice is what a transaction keeps of how a gateway was chosen, so that another can be. The zero
// Choice is none.
type Choice struct {
	// Plan is of package gateway: the sets to choose from, in their order. With Ways it is the
	// place there of the way to choose by, from 0.
	Plan  uint32
	Seed  uint32 // of the key
	Tried uint64 // gateways, by the last six bits of their numbers
}

// Ways are how a request can go on, best first, as lcr found them. They are immutable.
type Ways struct {
	User []byte // of the Request-URI before a way was taken, as it stands there
	List []Way
}

// Way is gateways to choose from, and what is done to the request for them.
type Way struct {
	Plan       uint32 // of package gateway
	Strip      int    // characters off the front of the user of the Request-URI
	Add        []byte // before it then
	Attributes []byte // for the policy
}
