package refine

import (
	"time"

	"sipedge/schema/internal/source"
)

// checkRows checks that a table of rows has one source, and nothing about another.
func checkRows(v *source.Value) *source.Diagnostic {
	from := ""
	for i := range v.Keys {
		k := &v.Keys[i]
		if k.Name != "values" && k.Name != "file" && k.Name != "sql" {
			continue
		}
		if from != "" {
			d := k.Problem(source.WrongTable, "rows come from %s or from %s, not from both",
				rowsFrom[from], rowsFrom[k.Name])
			return &d
		}
		from = k.Name
	}
	if from == "" {
		return problem(v, source.MissingField, "a table needs values, a file or sql")
	}
	for _, k := range [][2]string{{"header", "file"}, {"refresh", "sql"}, {"required", "sql"}} {
		if v.Has(k[0]) && from != k[1] {
			return problem(v.Get(k[0]), source.WrongTable, "%s is about %s, and there is none",
				k[0], rowsFrom[k[1]])
		}
	}
	if every := v.Get("refresh"); every.S != "notify" && every.Kind == source.String &&
		every.Duration() < time.Second {
		return problem(every, source.OutOfRange, "%s is out of range (1s at least)", every.S)
	}
	return nil
}

// rowsFrom names the sources of rows.
var rowsFrom = map[string]string{"values": "values", "file": "a file", "sql": "a database"}

// checkRateRows is checkRows for rates, whose tables of drouting have columns of their own.
func checkRateRows(v *source.Value) *source.Diagnostic {
	if d := checkRows(v); d != nil {
		return d
	}
	if sql := v.Get("sql"); sql.Has("drouting") && sql.Has("columns") {
		return problem(sql.Get("columns"), source.WrongTable,
			"columns are those of drouting: name either drouting or columns")
	}
	return nil
}

// checkMapRows is checkRows for rows that have values.
func checkMapRows(v *source.Value) *source.Diagnostic {
	if d := checkRows(v); d != nil {
		return d
	}
	if sql := v.Get("sql"); sql.Kind == source.Map && !sql.Has("value") {
		return problem(sql, source.MissingField, "a map needs the column of its values: value")
	}
	return nil
}
