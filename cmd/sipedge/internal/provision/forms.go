package provision

import "strings"

// form is one that --db may have.
type form struct {
	begin, driver string
	key           string // the setting of the driver
	whole         bool   // that begin is of it too
	example       string // empty: not shown
}

var forms = []form{
	{"sqlite:", "sqlite", "file", false, "sqlite:FILE"},
	{"bolt:", "bolt", "file", false, "bolt:FILE"},
	{"text:", "text", "folder", false, "text:FOLDER"},
	{"postgres://", "postgres", "dsn", true, "postgres://…"},
	{"postgresql://", "postgres", "dsn", true, ""},
	{"mysql://", "mysql", "dsn", true, "mysql://…"},
	{"http://", "http", "url", true, ""},
	{"https://", "http", "url", true, "https://…"},
}

// examples says what --db may be.
func examples() string {
	var list []string
	for _, f := range forms {
		if f.example != "" {
			list = append(list, f.example)
		}
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " or " + list[last]
}
