// Package outbound sends the server's own HTTP requests to the URLs that tenants name: deliveries and token lookups.
//
// A tenant chooses the URL, so the request may reach only addresses that the operator of the installation means to be reached (Guard,
// decided on the address that is really dialled, after DNS resolution), follows no redirect, uses no proxy and no cookie, and reads a
// bounded answer. What went wrong on the network is one of a closed set (Fault).
package outbound
