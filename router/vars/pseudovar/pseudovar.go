// Package pseudovar is by what names a policy knows the pseudo-variables of OpenSIPS and Kamailio.
// Its one law: each is a field of package vars, or says why it is none.
package pseudovar

import "slices"

// Mapping says by what name a policy knows a pseudo-variable of OpenSIPS or
// Kamailio.
type Mapping struct {
	OpenSIPS string // "" it has none
	Kamailio string // "" it has none
	Field    string // what a template says, without braces; "" no equivalent
	Why      string // no equivalent, because; or what is different
}

// Mappings is the table, by subject.
func Mappings() []Mapping { return slices.Clone(mappings) }

// Why things have no equivalent.
const (
	noAuth    = "authenticate is the only one to read credentials"
	noDialogs = "a proxy keeps transactions, not dialogs; the dialog path is the keyed Record-Route"
	noFlags   = "flags are variables of type bool, an avp for all branches"
	noCode    = "actions have arms instead of return codes"
	noProcess = "workers are no processes with numbers of their own"
	noShared  = "what outlives a transaction stands in tables, of type cache"
	noNextHop = "the next hop is an argument of relay and forward, never a state"
	noScript  = "a policy is no script with lines that run; the trace names rules"
	noOutside = "values from outside stand under secrets alone"
	noStats   = "counters are read by /metrics"
	noHTTP    = "no message comes by HTTP or WebSocket"
	noBackend = "no action asks a database"
)

var mappings = []Mapping{
	// Request-URI
	{"$ru", "$ru", "ruri", ""},
	{"$rU", "$rU", "ruri.user", ""},
	{"$rd", "$rd", "ruri.host", ""},
	{"$rp", "$rp", "ruri.port", "the transport's default port when none is written"},
	{"$rP", "$rP", "ruri.transport", ""},
	{"", "$rz", "ruri.scheme", ""},
	{"$(ru{uri.params})", "$(ru{uri.params})", "ruri.params.NAME", "by name"},
	{"$ou", "$ou", "original", ""},
	{"$oU", "$oU", "original.user", ""},
	{"$od", "$od", "original.host", ""},
	{"$op", "$op", "original.port", ""},
	{"$oP", "$oP", "original.transport", ""},
	{"$ru_q", "", "", "the request's own URI is the target of highest q"},
	// From and To
	{"$fu", "$fu", "from.uri", ""},
	{"$fU", "$fU", "from.user", ""},
	{"$fd", "$fd", "from.host", ""},
	{"$fn", "$fn", "from.display", "as written; `from | addr.name` takes the quotes off"},
	{"$ft", "$ft", "from.tag", ""},
	{"", "$fti", "from.tag", "a policy rewrites no tags"},
	{"$tu", "$tu", "to.uri", ""},
	{"$tU", "$tU", "to.user", ""},
	{"$td", "$td", "to.host", ""},
	{"$tn", "$tn", "to.display", "as written; `to | addr.name` takes the quotes off"},
	{"$tt", "$tt", "to.tag", ""},
	{"", "$tti", "to.tag", "a policy rewrites no tags"},
	// The message
	{"$rm", "$rm", "method", ""},
	{"$ci", "$ci", "callid", ""},
	{"$cs", "$cs", "cseq", ""},
	{"", "$csb", "headers.CSeq", ""},
	{"$ct", "$ct", "contact", ""},
	{"$ct.fields(uri)", "", "contact.uri", "headers.Contact[1] | addr.uri: of the next"},
	{"$ct.fields(expires)", "", "headers.Contact | addr.param(expires)", ""},
	{"$ct.fields(q)", "", "headers.Contact | addr.param(q)", ""},
	{"$ct.fields(name)", "", "headers.Contact | addr.name", ""},
	{"$cT", "$cT", "body.type", ""},
	{"$cl", "$cl", "body.size", "what is there, whatever Content-Length says"},
	{"$ua", "$ua", "user_agent", ""},
	{"$mb", "$mb", "", "the message as a whole is nothing a template could write"},
	{"$mf", "$mf", "", noFlags},
	{"$mi", "$mi", "callid", "messages have no numbers; a Call-ID is unique"},
	{"$ml", "$ml", "size", ""},
	{"", "$mt", "", "route types tell requests from replies"},
	{"$rb", "$rb", "body", ""},
	{"$rb(type)", "", "body", "of one part; bodies are not taken apart"},
	{"$sdp", "", "body", "where body.type is application/sdp"},
	{"$sdp.line", "", `body | replace('(?s).*\ns=([^\r]*).*', '$1')`, "by a regular expression"},
	{"$hdr(X)", "$hdr(X)", "headers.X", ""},
	{"$(hdr(X)[1])", "$(hdr(X)[1])", "headers.X[1]", "-1 is the last"},
	{"", "$hdrc(X)", "", "`headers: {X: true}` tests presence"},
	{"$hdr_name", "", "", "the fields there are cannot be asked for; headers names one"},
	{"$ai", "$ai", "headers.P-Asserted-Identity | addr.uri", ""},
	{"$pu", "$pu", "headers.P-Preferred-Identity | addr.uri", ""},
	{"$pU", "$pU", "headers.P-Preferred-Identity | addr.uri | uri.user", ""},
	{"$pd", "$pd", "headers.P-Preferred-Identity | addr.uri | uri.host", ""},
	{"$pn", "$pn", "headers.P-Preferred-Identity | addr.name", ""},
	{"$re", "$re", "headers.Remote-Party-ID | addr.uri", ""},
	{"$di", "$di", "headers.Diversion | addr.uri", ""},
	{"$dir", "$dir", "headers.Diversion | addr.param(reason)", ""},
	{"$dip", "$dip", "headers.Diversion | addr.param(privacy)", ""},
	{"", "$dic", "headers.Diversion | addr.param(counter)", ""},
	{"$rt", "$rt", "headers.Refer-To | addr.uri", ""},
	{"", "$sel(via[1].host)", "via.host", "via.port, via.transport, via.received, via.rport too"},
	{"", "$via0(branch)", "via.branch", ""},
	{"$msg.is_request", "", "", "route types tell requests from replies"},
	{"$msg.type", "", "", "route types tell requests from replies"},
	// Where it came from and where it goes
	{"$si", "$si", "source.ip", ""},
	{"$sp", "$sp", "source.port", ""},
	{"$socket_in", "", "listener", "source, local and transport are its parts"},
	{"$Ri", "$Ri", "local.ip", ""},
	{"$Rp", "$Rp", "local.port", ""},
	{"$pr", "$pr", "transport", ""},
	{"$proto", "$proto", "transport", ""},
	{"$af", "$af", "family", "inet or inet6"},
	{"$socket_in(advertised_ip)", "$RAi", "", "the engine writes what is advertised"},
	{"", "$RAp", "", "the engine writes what is advertised"},
	{"", "$Rn", "listener", "by its address"},
	{"", "$su", "source", "with transport"},
	{"", "$sas", "source", "with transport"},
	{"$socket_out", "$fs", "send_socket", ""},
	{"", "$fsn", "send_socket", ""},
	{"$du", "$du", "", noNextHop},
	{"$dd", "$dd", "", noNextHop},
	{"$dp", "$dp", "", noNextHop},
	{"$dP", "$dP", "", noNextHop},
	{"$ds", "$ds", "branches.uri", "by number"},
	{"", "$tcp(c_si)", "", "connections are the engine's"},
	{"", "$conid", "", "connections are the engine's"},
	{"$tls_peer_subject", "$tls_peer_subject", "peer.subject", "of a verified certificate"},
	{"$tls_version", "$tls_version", "", "1.2 or 1.3: connections are the engine's"},
	// Branches
	{"$branch(uri)", "$branch(uri)", "branches.uri", "branches.uri[1] the second"},
	{"$msg.branch.uri", "", "branches.uri", ""},
	{"$branch(q)", "$branch(q)", "branches.q", ""},
	{"$msg.branch.q", "", "branches.q", ""},
	{"$branch(duri)", "$branch(dst_uri)", "branches.to", ""},
	{"$msg.branch.duri", "", "branches.to", ""},
	{"", "$branch(count)", "branches.count", ""},
	{"$bf", "$bf", "", noFlags},
	{"$msg.branch.flag", "$branch(flags)", "", noFlags},
	{"$sf", "$sf", "", noFlags},
	{"$bavp(name)", "", "avp.NAME", "for the whole transaction; `push` adds one for each branch"},
	{"$T_branch_idx", "$T_branch_idx", "branch.index", ""},
	{"$tm.branch.uri", "", "ruri", "in a branch route"},
	// Replies and transactions
	{"$rs", "$rs", "status", ""},
	{"$rr", "$rr", "reason", ""},
	{"$T_reply_code", "$T_reply_code", "status", "in a failure route, of the best reply"},
	{"$T_ruri", "$T_ruri", "ruri", "in branch and failure routes"},
	{"$T_fr_timeout", "$T_fr_timeout", "", "fr_timer is an argument of relay"},
	{"$T_fr_inv_timeout", "$T_fr_inv_timeout", "", "fr_inv_timer is an argument of relay"},
	{"$T_id", "$T(id_index)", "via.branch", ""},
	{"", "$T_reply_reason", "reason", ""},
	{"", "$T_req($var)", "ruri", "a failure route works on the request; headers and all"},
	{"", "$T_rpl($var)", "status", "the best reply's status and reason are all that is kept"},
	{"$retcode", "$retcode", "", noCode},
	{"$rc", "$rc", "", noCode},
	{"$return", "", "", noCode},
	{"$err.class", "", "error.class", "in words"},
	{"$err.rcode", "", "error.status", ""},
	{"$err.rreason", "", "error.text", ""},
	{"$err.info", "", "error.text", ""},
	{"$err.level", "", "", "an error is one"},
	{"$param(1)", "", "", "a sub-route takes no parameters; it sees var and avp"},
	{"$route", "", "", noScript},
	{"$route.name", "", "", noScript},
	{"$cfg_line", "$cfg(line)", "", noScript},
	{"$cfg_file", "$cfg(file)", "", noScript},
	{"$branch.fork", "", "", "a branch route runs for each"},
	// Variables
	{"$var(name)", "$var(name)", "var.NAME", "unset at the start of each run, and declared"},
	{"$avp(name)", "$avp(name)", "avp.NAME", "declared"},
	{"$(avp(name)[1])", "$(avp(name)[1])", "avp.NAME[1]", "the one before the newest"},
	{"$(avp(name)[*])", "$(avp(name)[*])", "", "one value at a time; its number is part of the name"},
	{"", "$xavp(name)", "avp.NAME", "one value each"},
	{"", "$xavu(name)", "avp.NAME", "one value each"},
	{"$json(name)", "$jsonrpl", "", "values are text, numbers, URIs and addresses"},
	{"$xml(name)", "", "", "values are text, numbers, URIs and addresses"},
	{"$shv(name)", "$shv(name)", "", noShared},
	{"", "$sht(a=>b)", "", noShared},
	{"", "$def(name)", "", "what is the same for all stands in the policy itself"},
	{"$env(name)", "$env(name)", "", noOutside},
	{"", "$sel(cfg_get.x.y)", "", noOutside},
	// Time
	{"$Ts", "$Ts", "time.unix", ""},
	{"$Tsm", "", "time.micro", ""},
	{"$TS", "$TS", "time.unix", "when the run began"},
	{"$Tf", "$Tf", "time.text", "UTC, RFC 3339"},
	{"$TF", "$TF", "time.text", "UTC, RFC 3339"},
	{"", "$Tb", "", noStats},
	{"$time(%Y)", "$time(year)", "time.year", "UTC; time.month, time.day, time.hour, … too"},
	{"$time(%a)", "$time(wday)", "time.weekday", "UTC, as a name"},
	{"$time(%F)", "$utimef(%F)", "time.date", "UTC"},
	// Identity and authentication
	{"$au", "$au", "auth.user", "who authenticated; always without a domain"},
	{"$aU", "$aU", "auth.user", ""},
	{"$ad", "$ad", "auth.realm", "the realm stands for the domain"},
	{"$ar", "$ar", "auth.realm", ""},
	{"$an", "", "", noAuth},
	{"$adu", "$adu", "", noAuth},
	{"$aa", "$aa", "", noAuth},
	{"$auth.nonce", "", "", noAuth},
	{"$auth.resp", "", "", noAuth},
	// Dialogs, accounting, the rest
	{"$DLG_count", "$DLG_count", "", noDialogs},
	{"$DLG_dir", "", "direction", "after loose_route met a valid tag"},
	{"$DLG_lifetime", "$DLG_lifetime", "", noDialogs},
	{"$DLG_status", "$DLG_status", "in_dialog", "whether the To header field has a tag"},
	{"$dlg_val(name)", "$dlg_var(name)", "", noDialogs},
	{"$rr_params", "", "rr_params.NAME", "by name, after loose_route met a valid tag"},
	{"", "$route_uri", "headers.Route | addr.uri", "before loose_route"},
	{"$acc_extra", "", "", noBackend},
	{"", "$dbr(a=>b)", "", noBackend},
	{"", "$hu", "", noHTTP},
	{"$stat(name)", "$stat(name)", "", noStats},
	{"$log_level", "", "", "`log: {level}` is a setting"},
	{"$xlog_level", "", "", "`log: {level}` is an argument of the step"},
	{"$pp", "$pp", "", noProcess},
	{"$RANDOM", "$RANDOM", "", "the same message gets the same decision"},
	{"$null", "$null", "", "`unset` removes values; `default` stands in for none"},
}
