// Package outbound sends the server's own HTTP requests to the URLs that tenants name: deliveries, token look-ups, and the requests for access
// tokens that either needs.
//
// A tenant chooses the URL, so the request may reach only addresses that the operator of the installation means to be reached (Guard,
// decided on the address that is really dialled, after DNS resolution), follows no redirect, uses no cookie and no proxy of the environment's,
// and reads a bounded answer. What went wrong is one of a closed set (Fault).
//
// # Access tokens
//
// An Endpoint with OAuth has its requests carry an access token, got by client credentials (RFC 6749 section 4.4; HTTP Basic, both parts
// form-encoded) from a token endpoint that is guarded like any other URL. One owner's tokens serve that owner only.
//
//   - A token is fetched once for all requests that wait, within 10 s, and no request waits longer than its own context. The fetch goes on
//     without it: the next request needs the token too.
//   - It is kept until 30 s before its expires_in (or a fifth of it), 24 hours at most, five minutes when the answer says none. In its last
//     moments it is used while another one is fetched.
//   - A failure is remembered for 1 s, doubling to 30 s: meanwhile requests fail at once, with FaultTokenUnavailable.
//   - A 401 of the destination drops a token that is at least 5 s old, and the request goes out once more with a new one if its context
//     allows. A younger one is kept: a destination that refuses every token must not become a load on the authorization server.
//
// # The egress proxy
//
// With a Proxy every request goes through it by CONNECT, plain http too, so that it sees no request, no body and no token. Until it has
// answered CONNECT with 2xx nothing is held against the destination: a proxy that cannot be reached, asks for other credentials, answers 502, 503
// or 504, hangs or hangs up is FaultProxy. Such an answer can also mean that the destination is down, and it cannot be known: only a proxy that
// says so by Proxy-Status (RFC 9209) has it counted as the destination's. 403 is FaultProxyRefused: the proxy's policy forbids the destination,
// and no waiting changes that. What breaks in an open tunnel looks like the destination's fault, whoever broke it.
//
// Behind a proxy Guard cannot see the address that is dialled. An address in the URL is judged all the same, a name by each address that it has
// here; a name that is unknown here is left to the proxy, since the DNS of a cluster may know no public names. So the proxy has to refuse
// internal addresses itself: what it resolves later may be another address. Plain http goes only where every address of the name is known
// and in an allowed range. The connection to the proxy is the operator's own choice and not guarded.
package outbound
