// Package http is a database behind a web server: in the grammar of OpenSIPS's db_http, or in JSON.
// Its one law: a value is encoded before it stands beside another; the server never guesses.
package http

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"sipedge/backends"
	"sipedge/schema"
)

// Driver is the driver of policies.
var Driver = backends.Driver{
	Name: "http",
	Doc:  "A database behind a web server, as OpenSIPS's db_http asks it, or in JSON.",
	Schema: `{
	// Where it is: "https://user:password@host/path"; a table is /path/TABLE. User and password go
	// by Basic authentication.
	url!: =~"^https?://[^/?#]+[^?#]*$" @says("an address of the web","https://host/path")
	// What it speaks: the grammar of db_http, unless set.
	format?: "opensips" | "json"
	// A token instead of user and password: Authorization: Bearer.
	token?: #SecretText
	// Certificates that sign the server's, instead of those of the system; our own certificate and
	// its key. Relative paths begin at the policy.
	ca?: #File
	certificate?: #File
	key?: #File
	// Of the grammar of db_http, what replies are cut by: ; between fields, a line feed behind rows,
	// | around what has one of them inside.
	field_delimiter?: =~"^[ -~\t]$"
	row_delimiter?: =~"^[ -~\n]$"
	quote_delimiter?: =~"^[ -~]$"
	// Between values of a query: a comma.
	value_delimiter?: "," | ";"
	// Whether the reply to an update or delete is the number of its rows: false unless set. Else
	// they are counted before, by a query.
	counts?: bool` + backends.DatabaseCUE + `}`,
	Open: open,
}

func open(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
	at := o.Settings.Get("url")
	base, err := url.Parse(at.S)
	if err != nil { // which would quote the password
		return nil, schema.Diagnostics{at.Problem(schema.BadValue, "the url is none")}
	}
	limits := backends.LimitsOf(o.Settings)
	transport := &http.Transport{
		MaxConnsPerHost: limits.Calls, MaxIdleConnsPerHost: limits.Calls,
		IdleConnTimeout: maxIdle, DisableCompression: true, ForceAttemptHTTP2: true,
	}
	var diags schema.Diagnostics
	if transport.TLSClientConfig, diags = trust(o); diags != nil {
		return nil, diags
	}
	token := o.Settings.Get("token")
	if strings.ContainsFunc(token.S, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, schema.Diagnostics{token.Problem(schema.BadValue, "the token has what no header can")}
	}
	c := &client{base: base, token: token.S, user: base.User, http: &http.Client{
		Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
	base.User = nil
	if o.Settings.Get("format").S == "json" {
		return backends.Guard(o.Name, &document{c}, limits), nil
	}
	g, diags := readGrammar(o.Settings)
	if diags != nil {
		return nil, diags
	}
	return backends.Guard(o.Name, newForms(c, g, o.Settings.Get("counts").B), limits), nil
}

// trust reads certificates.
func trust(o *backends.Opening) (*tls.Config, schema.Diagnostics) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	path := func(v *schema.Value) string {
		if filepath.IsAbs(v.S) {
			return v.S
		}
		return filepath.Join(o.Folder, v.S)
	}
	if ca := o.Settings.Get("ca"); ca.Kind == schema.String {
		pem, err := os.ReadFile(path(ca))
		if err == nil {
			cfg.RootCAs = x509.NewCertPool()
			if !cfg.RootCAs.AppendCertsFromPEM(pem) {
				err = errors.New("there is no certificate in " + ca.S)
			}
		}
		if err != nil {
			return nil, schema.Diagnostics{ca.Problem(schema.BadValue, "%v", err)}
		}
	}
	own, key := o.Settings.Get("certificate"), o.Settings.Get("key")
	if own.Kind != key.Kind {
		return nil, schema.Diagnostics{o.Settings.Problem(schema.MissingField,
			"certificate and key belong together")}
	}
	if own.Kind == schema.String {
		pair, err := tls.LoadX509KeyPair(path(own), path(key))
		if err != nil {
			return nil, schema.Diagnostics{own.Problem(schema.BadValue, "%v", err)}
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}
