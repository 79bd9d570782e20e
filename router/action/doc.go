// Package action is the actions a policy may use, a file each.
// Its one law: a step decodes its arguments when compiled and calls one service when run.
package action
