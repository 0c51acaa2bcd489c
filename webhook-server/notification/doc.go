// Package notification is D1's notify-update endpoint: it authenticates a call, checks it, and answers 204 once the notification is
// durable (or, for a Synchronous destination, once the merchant has taken it).
//
// Every answer of the endpoint is in answers.go, the order of the checks in handler.go.
package notification
