// Package sqlstore is a backends.DB over database/sql; drivers bring a dialect and a connector.
// Its one law: names are quoted, values are bound, and neither is ever the other.
package sqlstore
