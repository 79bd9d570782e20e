package schema

// codes tell people what a code means.
var codes = []CodeInfo{
	{
		SyntaxYAML, "the file is no YAML",
		"The file cannot be read as YAML, so nothing in it was checked. Frequent reasons: " +
			"a tab in the indentation, a key in another column than its neighbours, a text " +
			"with \": \" or a leading brace or star without quotes, a bracket that is not " +
			"closed. A file holds one document.",
	},
	{
		SyntaxCUE, "the file is no CUE, or has no value",
		"The file cannot be read as CUE, or evaluating it failed: two values of one field " +
			"differ, a name is not defined, or something that must be a value is only a type. " +
			"A policy in CUE is evaluated before it is checked; what is left must be data.",
	},
	{
		UnknownKey, "a key that means nothing here",
		"Keys that are not part of the language are errors, so that a slip is never " +
			"silently ignored. Keys are written in snake_case, with the words of RFC 3261 and " +
			"OpenSIPS.",
	},
	{
		UnknownMethod, "a method nobody defined",
		"Methods are those of the RFCs: INVITE ACK BYE CANCEL REGISTER OPTIONS PRACK " +
			"SUBSCRIBE NOTIFY PUBLISH INFO REFER MESSAGE UPDATE. They are written in capitals " +
			"(RFC 3261 §7.1). List extension methods of yours under `methods`.",
	},
	{
		MissingField, "a required key is missing",
		"The map lacks a key it needs. The diagnostic points at the map, or at the key it " +
			"stands under.",
	},
	{
		WrongType, "a value of the wrong kind",
		"The value is, for example, a text where a number or a map is expected. In YAML, " +
			"{ruri.user} without quotes is a map; 1000 without quotes is a number; yes and on " +
			"are texts.",
	},
	{
		NotOneOf, "a value that is not on the list",
		"Only the listed values are possible here.",
	},
	{
		OutOfRange, "a number, time or size out of range",
		"The value has the right form but is too small or too large.",
	},
	{
		Malformed, "a value of the wrong form",
		"The text does not have the form expected here: a duration is written 5s, a size " +
			"64KiB, the name of a route in small letters, digits and underscores.",
	},
	{
		DuplicateKey, "a key given twice",
		"A map has each key once. When a policy is spread over several files of a folder, " +
			"maps are merged, and a list or a single value stands in one of them.",
	},
	{
		NotOneKey, "not exactly one key",
		"A step is a map with one key, the action; a listener has one transport. Two " +
			"actions are two items of the list. Frequently the arguments of an action are not " +
			"indented deeper than its name.",
	},
	{
		UnknownAction, "an action that does not exist",
		"`sipedge doc` lists the actions. They have the names of OpenSIPS where it has " +
			"one.",
	},
	{
		UnknownMatch, "a matcher that does not exist",
		"`sipedge doc` lists the matchers: method, uri, from, source and so on.",
	},
	{
		Empty, "nothing where something must be",
		"The document, or a list that needs an item, is empty.",
	},
	{
		WrongVersion, "a version of the language that does not exist",
		"`version: 1` is the only version of the policy language.",
	},
	{
		TooLarge, "too much of something",
		"A policy has at most 20,000 rules, files of at most 16 MiB and 64 levels of " +
			"nesting, and YAML aliases expand to at most 50,000 values. Large data belongs in " +
			"tables.",
	},
	{
		Misplaced, "an outside value outside of secrets",
		"${env.NAME} and ${file:/path} take values from outside the policy. They stand " +
			"only under `secrets`.",
	},
	{
		UnknownTransport, "a transport that does not exist",
		"A listener names one of the transports of this program.",
	},
	{
		BadAddress, "not an address",
		"Listeners have an IP address and a port: \"192.0.2.10:5060\", " +
			"\"[2001:db8::1]:5060\". A name is not resolved here.",
	},
	{
		DuplicateListener, "an address listened on twice",
		"Two listeners have the same transport, address and port, or one has 0.0.0.0 or ::, " +
			"which includes the other's address. `admin` is a listener of TCP.",
	},
	{
		UnknownListener, "a listener that is not listed",
		"The text names a listener by transport and address, as it stands under `listen`: " +
			"\"udp:192.0.2.10:5060\".",
	},
	{
		AddressInUse, "an address in use",
		"Another program has the address of a listener: the server that runs by this very " +
			"policy, perhaps. If not, serve will not start. Found by `validate --online`.",
	},
	{
		NotOurAddress, "an address of another host",
		"A listener has an address of the host it runs on. The public address of a NAT in " +
			"front of it goes under `advertise`. Found by `validate --online`.",
	},
	{
		NotPermitted, "a listener its user may not open",
		"Ports below 1024 are for root, or for who has CAP_NET_BIND_SERVICE: in a unit of " +
			"systemd, AmbientCapabilities=CAP_NET_BIND_SERVICE. Found by `validate --online`.",
	},
	{
		CannotListen, "a listener the system refuses",
		"The message has the system's reason, such as a family that is switched off.",
	},
	{
		UnknownTable, "a table that does not exist",
		"A matcher or an action names a table that is not declared under `tables`.",
	},
	{
		UnusedTable, "a table nothing uses",
		"No matcher and no action names the table.",
	},
	{
		WrongTable, "a table of the wrong kind",
		"`put` and `ban` write to a table of the kind cache; the others are data that a " +
			"policy only reads. The rows of a table come from `values` or from a `file`.",
	},
	{
		BadTable, "rows that cannot be read",
		"A file of a table is CSV, a key and its value in each line, or YAML, a list of keys " +
			"or a map. A key has one value; a prefix has digits, +, * and #; a network is " +
			"written 198.51.100.0/24. While a server runs, a file with a mistake changes " +
			"nothing: the last good copy stays.",
	},
	{
		UnknownBackend, "a backend that is not there",
		"A step, a matcher or another backend names a backend that is not declared under " +
			"`backends`.",
	},
	{
		UnusedBackend, "a backend nothing uses",
		"No step, no matcher and no other backend names the backend.",
	},
	{
		WrongBackend, "a backend that cannot do this",
		"What a step asks of a backend its driver has to be able to do: bindings are kept by " +
			"memory, users by a database.",
	},
	{
		SilentServer, "a DNS server that does not answer",
		"While the server is silent, names are resolved late or not at all.",
	},
	{
		NoSuchHost, "a host that does not exist",
		"The DNS says that the name has no address: what goes there is answered 480, or goes " +
			"by on_error. In a Request-URI, which a next hop may overrule, it is a warning.",
	},
	{
		Unresolved, "a host that could not be looked up",
		"The DNS gave no answer about the name, or none in time: a longer --timeout may help.",
	},
	{
		PlainPassword, "a password that can be read",
		"Hashes do as well: `printf '%s' user:realm:password | sha256sum`, md5sum for ha1.",
	},
	{
		UnknownRoute, "a route that does not exist",
		"The named route is not among the routes of its type. `route` and the arms " +
			"(on_none, on_error …) name sub-routes; the branch, failure and reply of `relay` " +
			"name routes of those types.",
	},
	{
		NeverMatches, "a rule that can never match",
		"Earlier rules take every request this one would match, or its own matchers " +
			"exclude each other. The example is a message that the rule would match and an " +
			"earlier one takes. Move the rule up, or take it out.",
	},
	{
		UnusedRoute, "a route nothing uses",
		"No rule mentions the route, so it never runs.",
	},
	{
		EndlessLoop, "routes that lead to themselves",
		"A sub-route calls itself, or is its own arm, perhaps through others. The run " +
			"would never end.",
	},
	{
		ArmEnds, "an arm that can run off its end",
		"An arm (on_none, on_error …) runs instead of the rest of the route: nothing " +
			"follows it. Each way through it must end the run. End its sub-route with a rule " +
			"that has no match and ends, such as a reply.",
	},
	{
		NeverRuns, "a step behind one that ends",
		"The step before always ends the run, so this one is never reached. Move it, or " +
			"give the rules different matches.",
	},
	{
		Unanswered, "a request that gets no answer",
		"Every request run ends by an answer, by relay or forward, or by drop, which is " +
			"silence on purpose. Here one can end without: off the end of the list, or by " +
			"exit. End the list with a rule that has no match.",
	},
	{
		DuplicateName, "two rules of the same name",
		"Names of rules stand in logs, traces and tests and are unique in their list.",
	},
	{
		DropFinal, "a final reply dropped",
		"In a reply route only provisional replies (1xx) can be dropped: without a final " +
			"reply the caller would wait for ever. Put drop under `match: {status: 1xx}`.",
	},
	{
		ReturnOutside, "return outside of a sub-route",
		"`return` goes back to the caller of a sub-route. Elsewhere `exit` ends the run.",
	},
	{
		OpenRelay, "a relay for strangers",
		"A request from anywhere to anywhere reaches this relay: nothing on its way asks " +
			"where it comes from (source, listener), whether it is for us (uri: {myself: " +
			"true}), or for a verified dialog (loose_route), and neither the policy nor a " +
			"table of it, other than a cache, names the target. Strangers would call on your " +
			"account. Where that is meant: allow: [{check: open_relay, reason: \"…\"}] in the " +
			"rule.",
	},
	{
		UnusedWaiver, "a waiver that waives nothing",
		"The check under `allow` finds nothing in this rule: take the waiver out, so that " +
			"it does not hide a finding to come.",
	},
	{
		ActionNotHere, "an action in the wrong type of route",
		"Each action may stand in certain types of route. A sub-route runs in the types " +
			"of all that call it, and its actions must be allowed in each; the hint tells the " +
			"way there.",
	},
	{
		MatcherNotHere, "a matcher in the wrong type of route",
		"Each matcher may stand in certain types of route: a request has no status yet. A " +
			"sub-route runs in the types of all that call it.",
	},
	{
		BadTemplate, "a template that cannot be read",
		"A template is a text with {field} or {field | pipe} in it; a literal brace is " +
			"written {{.",
	},
	{
		UnknownField, "a field that does not exist",
		"The template names a value that messages do not have. `sipedge doc` lists the " +
			"fields.",
	},
	{
		UnknownPipe, "a pipe that does not exist",
		"The template sends a value through something unknown. `sipedge doc` lists the " +
			"pipes.",
	},
	{
		FieldNotHere, "a field without a value here",
		"The field exists, but not in this type of route: a request has no reply.status " +
			"yet.",
	},
	{
		BadPipe, "a pipe with wrong arguments",
		"The pipe takes other arguments, or values of another type.",
	},
	{
		BadNetwork, "not an IP address or network",
		"Networks are written 192.0.2.1, 198.51.100.0/24, 2001:db8::/32.",
	},
	{
		BadRegex, "not a regular expression",
		"Regular expressions are RE2, which takes linear time: no look-around and no " +
			"back-references.",
	},
	{
		BadURI, "not a SIP URI",
		"The text is no URI the action can use, RFC 3261 §19.1.1: " +
			"\"sip:bob@example.net:5060;transport=tcp\".",
	},
	{
		BadHeaderName, "not the name of a header",
		"Names of headers are tokens, RFC 3261 §25.1.",
	},
	{
		ReservedField, "a header or field the engine writes itself",
		"Via, Content-Length, CSeq and others belong to the protocol. A policy that wrote " +
			"them would break transactions and dialogs.",
	},
	{
		BadHost, "not a host or a port",
		"The text is no domain name, IP address or port.",
	},
	{
		BadValue, "a value its action refuses",
		"The value has the right form, but the action or matcher cannot use it; the " +
			"message says why.",
	},
	{
		MayBeEmpty, "a text that may come out empty",
		"What the template names can be absent from a message, and the action cannot use " +
			"an empty text: the request would be answered 500. Match on it before, as in " +
			"headers: {X-Account: true}.",
	},
	{
		UnknownVariable, "a variable nobody declared",
		"Every variable a policy uses is declared under `vars` with its type: " +
			"`vars: {avp.callee: uri, var.count: int}`. A slip in a name would else be a " +
			"variable that is never set.",
	},
	{
		UnusedVariable, "a variable nobody uses",
		"The variable is declared, but no step, matcher or template mentions it.",
	},
	{
		WrongVariable, "a value the variable cannot hold",
		"A variable holds what its type says: string, int, bool, uri or ip. A text with " +
			"placeholders is read as that type when the step runs, and leaves the variable " +
			"unset when it is none; what can never fit is an error.",
	},
	{
		BadTest, "a test that makes no sense",
		"The test file has the right form, but this part of it cannot be carried out: a " +
			"source none of the policy's listeners hears, parts of a request beside a whole " +
			"one, a flow beside a request.",
	},
	{
		UnknownRule, "a rule that does not exist",
		"`path` names rules by their name, by their route and number from 1 (outbound/2), " +
			"or by their route and name. The policy under test has no such rule.",
	},
}
