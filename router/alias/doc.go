// Package alias finds whom a number or a name stands for that is no address of record: aliases of
// users, and the short numbers each user has for himself. Its one law: what a database says
// becomes the Request-URI as one that a request can go to, or the step fails.
package alias
