// Package jsonrpc is JSON-RPC 2.0 without a transport: requests out of a body, responses into one.
// Its one law: whatever the body, the answer is what the specification says.
package jsonrpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Version is what every request and response says it is of.
const Version = "2.0"

// Codes of errors, section 5.1 of the specification.
const (
	ParseError     = -32700 // no JSON
	InvalidRequest = -32600
	MethodNotFound = -32601
	InvalidParams  = -32602
	InternalError  = -32603
)

// Bounds on a body, beside its size, which is its transport's.
const (
	maxBatch = 100 // requests
	maxDepth = 32  // arrays and objects within each other
)

// Request is a call; without an ID a notification, which is not answered.
type Request struct {
	Version string `json:"jsonrpc" doc:"2.0."`
	Method  string `json:"method" doc:"What is to be done."`
	Params  any    `json:"params,omitempty" doc:"An object by name, or an array by position."`
	ID      any    `json:"id,omitempty" doc:"A string, a number or null; none: nothing is answered."`
}

// Response is the answer to a call: a result or an error.
type Response struct {
	Version string          `json:"jsonrpc" doc:"2.0."`
	Result  json.RawMessage `json:"result,omitempty" doc:"What came of it, as the method has it."`
	Error   *Error          `json:"error,omitempty" doc:"Why nothing did."`
	ID      json.RawMessage `json:"id" doc:"That of the request; null: it could not be read."`
}

// Error says why a call has no result.
type Error struct {
	Code    int    `json:"code" doc:"Of the specification when negative, else a status of HTTP."`
	Message string `json:"message" doc:"What is wrong."`
	Data    any    `json:"data,omitempty" doc:"More of it, as the method has it."`
}

func (e *Error) Error() string { return e.Message }

// Refuse is an error of a code.
func Refuse(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Caller carries out a method. An *Error is answered as it is, any other as an InternalError.
type Caller func(ctx context.Context, method string, p Params) (any, error)

// Answer carries out what a body asks for, one after the other, and returns the body of the answer;
// nil: there is nothing to say. It keeps nothing of body.
func Answer(ctx context.Context, body []byte, call Caller) []byte {
	if refusal := readable(body); refusal != nil {
		return encode(refused(refusal))
	}
	if body = bytes.TrimLeft(body, " \t\r\n"); body[0] != '[' {
		if r := one(ctx, body, call); r != nil {
			return encode(r)
		}
		return nil
	}
	var batch []json.RawMessage
	switch err := json.Unmarshal(body, &batch); {
	case err != nil:
		return encode(refused(Refuse(ParseError, "%v", err)))
	case len(batch) == 0:
		return encode(refused(Refuse(InvalidRequest, "a batch of nothing")))
	case len(batch) > maxBatch:
		return encode(refused(Refuse(InvalidRequest, "a batch of more than %d", maxBatch)))
	}
	var answers []*Response
	for _, b := range batch {
		if r := one(ctx, b, call); r != nil {
			answers = append(answers, r)
		}
	}
	if answers == nil {
		return nil
	}
	return encode(answers)
}

// readable refuses what is no JSON text, and what is nested too deep.
func readable(body []byte) *Error {
	if !utf8.Valid(body) || !json.Valid(body) {
		return Refuse(ParseError, "the body is no JSON text in UTF-8")
	}
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++ // what it escapes
		case quoted:
		case c == '[', c == '{':
			if depth++; depth > maxDepth {
				return Refuse(InvalidRequest, "nested deeper than %d", maxDepth)
			}
		case c == ']', c == '}':
			depth--
		}
	}
	return nil
}

// one carries out a request; nil: it is a notification.
func one(ctx context.Context, text []byte, call Caller) *Response {
	var members map[string]json.RawMessage // by their exact names
	if text[0] != '{' || json.Unmarshal(text, &members) != nil {
		return refused(Refuse(InvalidRequest, "a request is an object"))
	}
	id, answered := members["id"]
	if answered && !isID(id) {
		return refused(Refuse(InvalidRequest, "id is a string, a number or null"))
	}
	var version, method string
	if json.Unmarshal(members["jsonrpc"], &version) != nil || version != Version {
		return refusedOf(id, Refuse(InvalidRequest, `jsonrpc is %q`, Version))
	}
	if m := members["method"]; len(m) == 0 || m[0] != '"' || json.Unmarshal(m, &method) != nil {
		return refusedOf(id, Refuse(InvalidRequest, "method is a string"))
	}
	p, refusal := readParams(members["params"])
	if refusal != nil {
		return refusedOf(id, refusal)
	}
	result, err := call(ctx, method, p)
	if !answered {
		return nil
	}
	if err != nil {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			e = Refuse(InternalError, "%v", err)
		}
		return refusedOf(id, e)
	}
	return &Response{Version: Version, Result: encode(result), ID: id}
}

func isID(text json.RawMessage) bool {
	c := text[0]
	return c == '"' || c == '-' || c >= '0' && c <= '9' || c == 'n'
}

func refused(e *Error) *Response { return refusedOf(nil, e) }

func refusedOf(id json.RawMessage, e *Error) *Response {
	if id == nil {
		id = json.RawMessage("null")
	}
	return &Response{Version: Version, Error: e, ID: id}
}

// encode writes what this program made.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // a result that JSON can't tell is a mistake of its method
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
