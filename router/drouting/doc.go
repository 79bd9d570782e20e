// Package drouting reads the tables of OpenSIPS's module drouting as rates: dr_rules, dr_carriers
// and dr_gateways, by the columns that they have there. Its one law: a rule whose meaning can't
// be kept is left out and told, never read as another.
package drouting
