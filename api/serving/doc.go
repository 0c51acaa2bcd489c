// Package serving is the contract between the two programs: the documents that the operator writes and the server reads.
//
// There are three kinds, one object each, all in the system namespace (or one file each in a state directory):
//
//   - Gateway: what is not secret of one MerchantGateway. A ConfigMap.
//   - GatewaySecrets: signing keys, delivery signing secrets and TLS material of one MerchantGateway. A Secret.
//   - Client: one OAuthClient: digests of its live secrets, scopes, dates; never a plain secret. A Secret.
//
// A Gateway names material of its GatewaySecrets by id. The operator adds material before it writes the Gateway that names it and
// prunes it afterwards, so a reader that sees the two in any order can tell that one is still on its way: Gateway.Missing.
//
// Encoding is canonical: equal documents are equal bytes, so that a digest identifies a version and nothing is written without need.
// Decoding accepts nothing but the canonical encoding of a valid document.
package serving
