// Package clientauth authenticates OAuth clients: by a secret in HTTP Basic or in the form body (RFC 6749 section 2.3.1), by a signed
// assertion (RFC 7523) or by a client certificate (RFC 8705 section 2.1). Every endpoint that clients call uses it: token, introspection
// and revocation.
package clientauth
