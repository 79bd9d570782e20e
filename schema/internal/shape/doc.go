// Package shape holds policies against a schema: CUE definitions in a form that
// checks a whole policy in one walk.
// Its one law: it takes exactly what CUE's evaluator takes, but for what
// refinements add.
package shape
