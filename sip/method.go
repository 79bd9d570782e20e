package sip

// Method is a request method, RFC 3261 §7.1. Other stands for every
// extension method; its name is in the message.
type Method uint8

const (
	Other Method = iota
	INVITE
	ACK
	BYE
	CANCEL
	REGISTER
	OPTIONS
	SUBSCRIBE
	NOTIFY
	PUBLISH
	MESSAGE
	INFO
	REFER
	UPDATE
	PRACK
)

// LookupMethod returns the method of that name, which is case-sensitive
// (RFC 3261 §7.1), or Other.
func LookupMethod(name []byte) Method { panic("contract") }

// String returns the name on the wire; "" for Other.
func (m Method) String() string { panic("contract") }
