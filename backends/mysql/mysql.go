// Package mysql is MySQL and MariaDB.
// Its one law: a server that stopped answering costs a call its timeout, never more.
package mysql

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"sipedge/backends"
	"sipedge/backends/sqlstore"
	"sipedge/schema"
)

// Driver is the driver of policies.
var Driver = backends.Driver{
	Name: "mysql",
	Doc:  "MySQL and MariaDB.",
	Schema: `{
	// Where it is and who we are: "mysql://user:password@host:3306/database", as OpenSIPS writes
	// it, or "user:password@tcp(host:3306)/database?tls=true", "user@unix(/run/mysqld.sock)/database".
	dsn!: #SecretText
	// Certificates that sign the server's; with them TLS is on. A relative path begins at the policy.
	ca?: #File` + backends.DatabaseCUE + `}`,
	Open: open,
}

func open(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
	dsn := o.Settings.Get("dsn")
	limits := backends.LimitsOf(o.Settings)
	cfg, err := config(dsn.S, limits)
	if err != nil { // which may quote the password
		return nil, schema.Diagnostics{dsn.Problem(schema.BadValue,
			"the dsn is no data source name of MySQL")}
	}
	if ca := o.Settings.Get("ca"); ca.Kind == schema.String {
		cfg.TLS, err = trust(ca.S, o.Folder)
		if err != nil {
			return nil, schema.Diagnostics{ca.Problem(schema.BadValue, "%v", err)}
		}
	}
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, schema.Diagnostics{dsn.Problem(schema.BadValue,
			"the dsn is no data source name of MySQL")}
	}
	return backends.Guard(o.Name, sqlstore.New(c, dialect, limits), limits), nil
}

// config reads a dsn and fixes what this program relies on.
func config(dsn string, limits backends.Limits) (*mysql.Config, error) {
	cfg, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	cfg.ParseTime = true
	cfg.Loc = time.UTC
	cfg.ClientFoundRows = true // rows that were found, changed or not
	cfg.InterpolateParams = false
	cfg.MultiStatements = false
	cfg.AllowAllFiles = false
	cfg.Logger = &mysql.NopLogger{}
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	cfg.Params["time_zone"] = "'+00:00'"
	// A value that does not fit is refused, not cut.
	cfg.Params["sql_mode"] = "CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')"
	cfg.Timeout = limits.Timeout
	cfg.ReadTimeout, cfg.WriteTimeout = 2*limits.Timeout, 2*limits.Timeout
	return cfg, nil
}

// parse reads mysql://… and the client library's own form.
func parse(dsn string) (*mysql.Config, error) {
	if !strings.HasPrefix(dsn, "mysql://") {
		return mysql.ParseDSN(dsn)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	cfg, err := mysql.ParseDSN("/?" + u.RawQuery)
	if err != nil {
		return nil, err
	}
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	cfg.Net, cfg.Addr = "tcp", u.Host
	if u.Port() == "" {
		cfg.Addr += ":3306"
	}
	cfg.DBName = strings.TrimPrefix(u.Path, "/")
	return cfg, nil
}

func trust(ca, folder string) (*tls.Config, error) {
	if !filepath.IsAbs(ca) {
		ca = filepath.Join(folder, ca)
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("there is no certificate in " + ca)
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

var dialect = sqlstore.MySQL(func(err error) (int, bool) {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return 0, false
	}
	return int(e.Number), true
})
