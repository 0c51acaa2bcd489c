// Package token is D1's OAuth 2.0 token endpoint (RFC 6749 section 4.4) and the check of the access tokens it issued (RFC 9068).
//
// Parsing and deciding are functions over text and values; the Handler joins them to net/http, and every answer of the endpoint is
// in answers.go.
package token
