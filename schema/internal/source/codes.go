package source

// Codes of reading and of shapes.
const (
	SyntaxYAML    Code = 1001
	SyntaxCUE     Code = 1002
	UnknownKey    Code = 1003
	UnknownMethod Code = 1004
	MissingField  Code = 1005
	WrongType     Code = 1006
	NotOneOf      Code = 1007
	OutOfRange    Code = 1008
	Malformed     Code = 1009
	DuplicateKey  Code = 1010
	NotOneKey     Code = 1011
	UnknownAction Code = 1012
	UnknownMatch  Code = 1013
	Empty         Code = 1014
	WrongVersion  Code = 1015
	TooLarge      Code = 1016
	Misplaced     Code = 1017 // ${env.X} or ${file:…} outside secrets
	Several       Code = 1018 // policies in a folder

	UnknownTransport Code = 2001
)

// Codes of what texts stand for, and of names.
const (
	BadAddress         Code = 2002
	UnknownTable       Code = 2101
	UnusedTable        Code = 2102
	WrongTable         Code = 2103 // a table of a kind that does not do here
	UnknownBackend     Code = 2111
	UnusedBackend      Code = 2112
	UnknownCertificate Code = 2121
	UnusedCertificate  Code = 2122
	BadIssued          Code = 2125 // a domain that no CA issues certificates of
	UnknownGateways    Code = 2401
	UnusedGateways     Code = 2402
	BadNetwork         Code = 4006
	BadRegex           Code = 4007
	PlainText          Code = 4014 // a text that is written like a pattern
	ForeignVariable    Code = 4015 // a pseudo-variable of OpenSIPS or Kamailio
)
