package schema_test

import "sipedge/schema"

// testVocabulary has the actions and matchers of the language as far as this
// package is concerned: names, arguments, places and endings.
func testVocabulary() *schema.Vocabulary {
	const (
		r, b, f, o = schema.InRequest, schema.InBranch, schema.InFailure, schema.InReply
		uris       = r | b | f
		headers    = r | b | f | o | schema.InLocal
	)
	number := `int & >=1 & <=255 @says("a number of characters","1 to 255")`
	hooks := map[string]schema.Place{"branch": b, "reply": o, "failure": f}
	kind := func(name, args string, where schema.Place) schema.Kind {
		return schema.Kind{Name: name, Doc: name + " does it.", Schema: args, Where: where}
	}
	ends := func(k schema.Kind) schema.Kind { k.Ending = schema.Ends; return k }
	arm := func(k schema.Kind, arms ...string) schema.Kind {
		k.Arms = arms
		if k.Ending == schema.Continues {
			k.Ending = schema.Arm
		}
		return k
	}
	reply := kind("reply", `{
		// The status code.
		code!: #Status
		reason?: #Text
		headers?: {[#HeaderName]: #Text}
		stateful?: bool
	}`, r|f|schema.InError)
	reply.Ending = schema.EndsByArgs
	reply.EndsWhen = func(args *schema.Value) bool { return args.Get("code").N >= 200 }
	relay := arm(ends(kind("relay", `{to?: #Text, branch?: #Name, reply?: #Name, failure?: #Name,
		fr_timer?: #Duration, fr_inv_timer?: #Duration, failover?: bool,
		on_error?: #Name}`, r|f)), "on_error")
	relay.Hooks = hooks
	route := kind("route", `#Name`, schema.Anywhere)
	route.Calls = []string{""}
	return &schema.Vocabulary{
		Actions: []schema.Kind{
			kind("add_header", `{[#HeaderName]: #Text}`, headers),
			kind("append_branch", `{
				uri?: #Text
				q?: number & >=0 & <=1 @says("a q-value","0 to 1, like 0.7")
				to?: #Text
			}`, r|f),
			ends(kind("drop", `{}`, r|b|o|schema.InError)),
			ends(kind("exit", `{}`, schema.Anywhere)),
			kind("force_rport", `{}`, r),
			kind("force_send_socket", `=~"^[a-z]+:.+$" @says("a listener","like \"udp:192.0.2.10:5060\"")`,
				r|b|f|schema.InLocal),
			arm(ends(kind("forward", `{to?: #Text, on_error?: #Name}`, r)), "on_error"),
			kind("log", `{level?: "debug" | "info" | "warn" | "error", message!: #Text}`, schema.Anywhere),
			arm(kind("loose_route", `{verify?: "tag" | "none", on_none?: #Name}`, r), "on_none"),
			arm(kind("max_forwards", `{limit?: int & >=1 & <=255, on_exceed?: #Name}`, r), "on_exceed"),
			arm(kind("next_branches", `{on_none?: #Name}`, r|f), "on_none"),
			kind("prefix", `#Text`, uris),
			kind("record_route", `{params?: #Text}`, r|b|f),
			ends(kind("redirect", `{to?: #Text, code?: 300 | 301 | 302 | 305 | 380}`, r|f)),
			relay,
			kind("remove_header", `#HeaderName | [#HeaderName, ...#HeaderName]`, headers),
			reply,
			ends(kind("reply_error", `{}`, r|f)),
			ends(kind("return", `{}`, schema.Anywhere|schema.InSub)),
			kind("revert_uri", `{}`, uris),
			kind("rewrite_uri", `#Text`, uris),
			route,
			kind("serialize_branches", `{}`, r|f),
			kind("set_header", `{[#HeaderName]: #Text}`, headers),
			kind("set_host", `#Text`, uris),
			kind("set_port", `int & >=0 & <=65535 @says("a port","0 to 65535")`, uris),
			kind("set_user", `#Text`, uris),
			kind("strip", number, uris),
			kind("strip_tail", number, uris),
			kind("pop", `#VarName | [#VarName, ...#VarName]`, schema.Anywhere),
			kind("put", `{table!: #CacheName, key!: #Text, value?: #Text, ttl?: #Duration}`,
				schema.Anywhere&^b),
			arm(kind("dispatch", `{set!: #GatewaysName, on_none?: #Name}`, r|f), "on_none"),
			arm(kind("lcr", `{table!: #RatesName, on_none?: #Name}`, r|f), "on_none"),
			arm(kind("check_source_address", `{table!: #AddressTable, on_none?: #Name}`, r|f), "on_none"),
			arm(kind("query", `{table!: #TableName, key!: #Text, on_none?: #Name}`, r|f), "on_none"),
			arm(kind("rate_limit", `{
				key!: #Text
				rate!: #Rate
				burst?: int & >=1 & <=1000000
				allow?: #Networks
				ipv6_prefix?: int & >=1 & <=128
				max?: int & >=1 & <=10000000
				on_exceed?: #Name
			}`, r), "on_exceed"),
			kind("push", `{[#VarName]: #VarValue}`, schema.Anywhere),
			kind("set", `{[#VarName]: #VarValue}`, schema.Anywhere),
			kind("unset", `#VarName | [#VarName, ...#VarName]`, schema.Anywhere),
		},
		Fields: testFields(),
	}
}

func testFields() []schema.Field {
	const (
		f, o     = schema.InFailure, schema.InReply
		received = schema.InRequest | schema.InBranch | f | o | schema.InError
		requests = received&^o | schema.InLocal
		messages = requests | o
	)
	return []schema.Field{
		{Name: "cause", Where: f | o,
			Schema: `"timeout" | "transport" | ["timeout" | "transport", ..."timeout" | "transport"]`},
		{Name: "direction", Where: messages, Schema: `"upstream" | "downstream"`},
		{Name: "family", Where: received, Schema: `#Family | [#Family, ...#Family]`},
		{Name: "from", Where: requests, Schema: `#URI`},
		{Name: "headers", Where: messages, Schema: `{[#HeaderIndex]: bool | #Str}`},
		{Name: "in_dialog", Where: messages, Schema: `bool`},
		{Name: "listener", Where: received, Schema: `string | [string, ...string]`},
		{Name: "max_forwards", Where: messages, Schema: `#Int`},
		{Name: "method", Where: messages, Schema: `#Method | [#Method, ...#Method]`},
		{Name: "size", Where: messages, Schema: `#Int`},
		{Name: "source", Where: received, Schema: `#Sources`},
		{Name: "source_port", Where: received, Schema: `#Int`},
		{Name: "status", Where: f | o,
			Schema: `#Status | #StatusClass | [#Status | #StatusClass, ...#Status | #StatusClass]`},
		{Name: "time", Where: messages, Schema: `{
			days?: [#Day, ...#Day]
			from?: #Clock
			to?: #Clock
			zone?: string
		} @says("a map of days, from, to and zone")`},
		{Name: "to", Where: requests, Schema: `#URI`},
		{Name: "transport", Where: received, Schema: `#Transport | [#Transport, ...#Transport]`},
		{Name: "uri", Where: requests, Schema: `#URI`},
		{Name: "vars", Where: schema.Anywhere, Schema: `{[#VarName]: #VarTest}`},
	}
}
