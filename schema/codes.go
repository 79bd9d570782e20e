package schema

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"

	"sipedge/schema/internal/source"
)

// Reading and shape.
const (
	SyntaxYAML    = source.SyntaxYAML
	SyntaxCUE     = source.SyntaxCUE
	UnknownKey    = source.UnknownKey
	UnknownMethod = source.UnknownMethod
	MissingField  = source.MissingField
	WrongType     = source.WrongType
	NotOneOf      = source.NotOneOf
	OutOfRange    = source.OutOfRange
	Malformed     = source.Malformed
	DuplicateKey  = source.DuplicateKey
	NotOneKey     = source.NotOneKey
	UnknownAction = source.UnknownAction
	UnknownMatch  = source.UnknownMatch
	Empty         = source.Empty
	WrongVersion  = source.WrongVersion
	TooLarge      = source.TooLarge
	Several       = source.Several
	Misplaced     = source.Misplaced // ${env.X} or ${file:…} outside secrets
)

// Listeners and services.
const (
	UnknownTransport = source.UnknownTransport

	BadAddress             = source.BadAddress
	DuplicateListener Code = 2003
	UnknownListener   Code = 2004

	UnknownCertificate      = source.UnknownCertificate
	UnusedCertificate       = source.UnusedCertificate
	NoCertificate      Code = 2123 // a secure listener without, or another with one
	BadIssued               = source.BadIssued
	NowhereToKeep      Code = 2126 // what a CA issues, without a state folder

	// What only who looks at this host and its network finds.
	BadCertificate      Code = 2124 // files that can't be read
	UntimelyCertificate Code = 2127 // one that has ended, or begins later
	AddressInUse        Code = 2005
	NotOurAddress       Code = 2006
	NotPermitted        Code = 2007
	CannotListen        Code = 2008
	NoSCTP              Code = 2009
	SilentServer        Code = 2201 // of the DNS
	NoSuchHost          Code = 2202
	Unresolved          Code = 2203
	PlainPassword       Code = 2302
)

// Gateways.
const (
	UnknownGateways      = source.UnknownGateways
	UnusedGateways       = source.UnusedGateways
	BadGateway      Code = 2403 // one that is told twice, or can't be one
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
	OpenRelay      Code = 3011
	UnusedWaiver   Code = 3012
	PublicTree     Code = 3013 // of ENUM, that may lead to gateways
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
	BadNetwork         = source.BadNetwork
	BadRegex           = source.BadRegex
	BadURI        Code = 4008
	BadHeaderName Code = 4009
	ReservedField Code = 4010 // a header or field the engine writes itself
	BadHost       Code = 4011
	BadValue      Code = 4012 // any other value its compiler refuses
	MayBeEmpty    Code = 4013

	PlainText       = source.PlainText
	ForeignVariable = source.ForeignVariable

	UnknownVariable Code = 4020
	UnusedVariable  Code = 4021
	WrongVariable   Code = 4022 // a value its type cannot hold
)

// CodeInfo is what `sipedge doc SE1004` tells of a code.
type CodeInfo struct {
	Code  Code
	Title string
	Text  string
}

// codesText has a heading for each code, # SE1001 with its title, and what it means below.
//
//go:embed codes.md
var codesText string

var codes = readCodes(codesText)

// readCodes panics when the text has another form: it is part of the program.
func readCodes(text string) (list []CodeInfo) {
	for part := range strings.SplitSeq(strings.TrimPrefix(text, "# "), "\n# ") {
		head, body, _ := strings.Cut(part, "\n")
		name, title, ok := strings.Cut(head, " ")
		n, err := strconv.Atoi(strings.TrimPrefix(name, "SE"))
		if !ok || err != nil {
			panic("schema: codes.md: " + head)
		}
		list = append(list, CodeInfo{Code(n), title, strings.Join(strings.Fields(body), " ")})
	}
	return list
}

// Info tells of a code; false when there is none of that number.
func Info(c Code) (CodeInfo, bool) {
	i := slices.IndexFunc(codes, func(info CodeInfo) bool { return info.Code == c })
	if i < 0 {
		return CodeInfo{}, false
	}
	return codes[i], true
}

// Codes are all codes, in ascending order.
func Codes() []CodeInfo { return slices.Clone(codes) }
