// Package httpx holds what HTTP handlers need beside net/http, without a word of any domain: answers with exact headers, path
// segments, bounded bodies, strict decoders, masking for logs and a limit on requests in flight.
//
// The decoders take bytes or text and answer values, so that each can be fuzzed by itself.
package httpx
