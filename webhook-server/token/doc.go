// Package token is D1's OAuth 2.0 token endpoint (RFC 6749 section 4.4). Who the client is clientauth decides, the tokens are made by
// accesstoken; what lies between, the grant type and the scope, is in request.go.
//
// Parsing and deciding are functions over text and values; the Handler joins them to net/http.
package token
