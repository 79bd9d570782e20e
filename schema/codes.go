package schema

import "slices"

// Reading and shape.
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
)

// Listeners and services.
const (
	UnknownTransport  Code = 2001
	BadAddress        Code = 2002
	DuplicateListener Code = 2003
	UnknownListener   Code = 2004
)

// Routes.
const (
	UnknownRoute   Code = 3001
	NeverMatches   Code = 3002
	UnusedRoute    Code = 3003
	EndlessLoop    Code = 3004
	ArmEnds        Code = 3005
	NeverRuns      Code = 3006
	Unanswered     Code = 3007
	DuplicateName  Code = 3008
	DropFinal      Code = 3009
	ReturnOutside  Code = 3010
	ActionNotHere  Code = 3107
	MatcherNotHere Code = 3108
)

// Values, templates and fields.
const (
	BadTemplate   Code = 4001
	UnknownField  Code = 4002
	UnknownPipe   Code = 4003
	FieldNotHere  Code = 4004
	BadPipe       Code = 4005
	BadNetwork    Code = 4006
	BadRegex      Code = 4007
	BadURI        Code = 4008
	BadHeaderName Code = 4009
	ReservedField Code = 4010 // a header or field the engine writes itself
	BadHost       Code = 4011
	BadValue      Code = 4012 // any other value its compiler refuses
)

// CodeInfo is what `sipedge doc SE1004` tells of a code.
type CodeInfo struct {
	Code  Code
	Title string
	Text  string
}

// Info tells of a code; false when there is none of that number.
func (c Code) Info() (CodeInfo, bool) {
	i := slices.IndexFunc(codes, func(info CodeInfo) bool { return info.Code == c })
	if i < 0 {
		return CodeInfo{}, false
	}
	return codes[i], true
}

// Codes are all codes, in ascending order.
func Codes() []CodeInfo { return slices.Clone(codes) }
