// Package peer says who is at the other end of a request: its source address and its client certificate, whether it is connected
// directly or through a proxy that ends TLS.
//
// A proxy is believed only when its address is a trusted one, and only for what it says itself: of X-Forwarded-For the entries that
// trusted proxies have appended, and of client certificates one header field that the proxy must replace, not add to. The format goes
// with the field's name:
//
//   - Client-Cert, with Client-Cert-Chain for intermediates: RFC 9440.
//   - X-Forwarded-Client-Cert: Envoy's, with Cert, Chain or both among its details.
//   - any other name: certificates in PEM, percent-encoded (nginx's $ssl_client_escaped_cert, the X-Amzn-Mtls-Clientcert fields of AWS)
//     or with blanks for its line ends, or plain base64 of DER, several separated by commas (HAProxy's ssl_c_der,base64, Traefik).
//
// In each the client's own certificate comes first, and what follows are certificates of CAs. A value that cannot be read in full is
// refused, and so is a second field line of the name: one of the two may be the client's own. An empty value means that there was no
// certificate.
//
// A chain has no more than 8 certificates and no RSA key of more than 4096 bits, else it is refused unseen; and only keys that a CA of the
// gateway vouches for are computed with. So what a stranger presents costs little, whatever it is.
//
// The certificate in a header says nothing of who holds its key: the proxy must have seen that in its handshake with the client.
package peer
