// Package discovery publishes what a client or a resource server must know of a gateway's authorization server: its metadata
// (RFC 8414) and the keys that verify its access tokens (RFC 7517).
package discovery
