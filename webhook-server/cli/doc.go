// Package cli is the part of the webhook-server's program that a person types: it looks at notifications and destinations and changes them, by
// the administration API of a server that runs and by nothing else, and it copies an embedded store.
package cli
