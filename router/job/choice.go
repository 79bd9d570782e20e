package job

// Choice is what a transaction keeps of how a gateway was chosen, so that another can be. The zero
// Choice is none.
type Choice struct {
	Plan  uint32 // of package gateway: the sets to choose from, in their order
	Seed  uint32 // of the key
	Tried uint64 // gateways, by the last six bits of their numbers
}
