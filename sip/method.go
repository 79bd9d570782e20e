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

var methodNames = [...]string{
	Other:     "",
	INVITE:    "INVITE",
	ACK:       "ACK",
	BYE:       "BYE",
	CANCEL:    "CANCEL",
	REGISTER:  "REGISTER",
	OPTIONS:   "OPTIONS",
	SUBSCRIBE: "SUBSCRIBE",
	NOTIFY:    "NOTIFY",
	PUBLISH:   "PUBLISH",
	MESSAGE:   "MESSAGE",
	INFO:      "INFO",
	REFER:     "REFER",
	UPDATE:    "UPDATE",
	PRACK:     "PRACK",
}

// LookupMethod returns the method of that name, which is case-sensitive
// (RFC 3261 §7.1), or Other.
func LookupMethod(name []byte) Method {
	switch string(name) {
	case "INVITE":
		return INVITE
	case "ACK":
		return ACK
	case "BYE":
		return BYE
	case "CANCEL":
		return CANCEL
	case "REGISTER":
		return REGISTER
	case "OPTIONS":
		return OPTIONS
	case "SUBSCRIBE":
		return SUBSCRIBE
	case "NOTIFY":
		return NOTIFY
	case "PUBLISH":
		return PUBLISH
	case "MESSAGE":
		return MESSAGE
	case "INFO":
		return INFO
	case "REFER":
		return REFER
	case "UPDATE":
		return UPDATE
	case "PRACK":
		return PRACK
	}
	return Other
}

// String returns the name on the wire; "" for Other.
func (m Method) String() string {
	if int(m) >= len(methodNames) {
		return ""
	}
	return methodNames[m]
}
